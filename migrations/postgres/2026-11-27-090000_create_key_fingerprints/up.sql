-- When an instance last used the secret key with this fingerprint, so that instances with different keys notice it.
CREATE TABLE key_fingerprints (
    fingerprint  BYTEA PRIMARY KEY,
    last_used_at BIGINT NOT NULL
);
