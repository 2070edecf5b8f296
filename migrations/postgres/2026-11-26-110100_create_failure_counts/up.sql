-- The counts of the rate limits, which all instances share. With SQLite, each process counts by itself.
CREATE TABLE failure_counts (
    -- The SHA-256 of what is counted, such as a username, because users sometimes enter passwords there by mistake.
    key           BYTEA PRIMARY KEY,
    forgotten_at  BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);

CREATE INDEX failure_counts_forgotten_at ON failure_counts (forgotten_at);
