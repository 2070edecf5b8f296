-- The buckets of the rate limits, which all instances share. With SQLite, each process has its own in memory.
CREATE TABLE buckets (
    -- A SHA-256 hash of what is counted, because users sometimes enter passwords as usernames by mistake.
    key           BYTEA PRIMARY KEY,
    empty_at      BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);

CREATE INDEX buckets_empty_at ON buckets (empty_at);
