ALTER TABLE sessions RENAME COLUMN created_at TO begun_at;
ALTER TABLE sessions RENAME COLUMN absolute_expires_at TO ends_at;
