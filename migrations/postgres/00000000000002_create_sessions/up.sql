CREATE TABLE sessions (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The SHA-256 of the token in the cookie. An attacker who reads this table can't log in with it.
    token_hash   BYTEA NOT NULL UNIQUE,
    user_agent   TEXT NOT NULL,
    remembered   BOOLEAN NOT NULL,
    begun_at     BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    -- When an idle session expires: moves with every visit, up to ends_at.
    expires_at   BIGINT NOT NULL,
    ends_at      BIGINT NOT NULL
);

CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
