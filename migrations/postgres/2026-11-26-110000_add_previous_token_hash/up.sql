-- The token hash before the last renewal, so that a logout with the previous token also ends the session.
ALTER TABLE sessions ADD COLUMN previous_token_hash BYTEA;
CREATE INDEX sessions_previous_token_hash ON sessions (previous_token_hash) WHERE previous_token_hash IS NOT NULL;
