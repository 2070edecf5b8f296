DROP TABLE sessions, users;
DROP COLLATION ignore_case;
