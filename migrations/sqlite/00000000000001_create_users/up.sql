-- Keeps a table that was created by hand.
CREATE TABLE IF NOT EXISTS users (
    -- Ids are never reused, so that a new user can't inherit what a deleted user left behind.
    id            INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    username      VARCHAR(64) NOT NULL CHECK (length(username) <= 64),
    password_hash VARCHAR(255) NOT NULL,
    is_active     BOOLEAN NOT NULL DEFAULT TRUE,
    -- Seconds since 1970 UTC, like all times here.
    created_at    BIGINT NOT NULL DEFAULT (unixepoch())
);

CREATE UNIQUE INDEX IF NOT EXISTS users_username ON users (lower(username));
