ALTER TABLE sessions RENAME COLUMN begun_at TO created_at;
ALTER TABLE sessions RENAME COLUMN ends_at TO absolute_expires_at;
