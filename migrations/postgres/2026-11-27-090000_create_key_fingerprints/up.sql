-- When an instance last used the secret key with this fingerprint. Other instances log an error if they don't accept
-- the key.
CREATE TABLE key_fingerprints (
    fingerprint  BYTEA PRIMARY KEY,
    last_used_at BIGINT NOT NULL
);
