-- Secrets and facts of this database.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- One row for each account. Its counters move only inside a writing transaction.
CREATE TABLE users (
    id           UUID PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    created_ms   BIGINT NOT NULL,
    epoch        BIGINT NOT NULL,
    head_seq     BIGINT NOT NULL DEFAULT 0,
    head_ms      BIGINT NOT NULL DEFAULT 0,
    mark         BIGINT NOT NULL DEFAULT 0,
    mark_seq     BIGINT NOT NULL DEFAULT 0,
    horizon_seq  BIGINT NOT NULL DEFAULT 0,
    purged_stamp BIGINT
);

-- Which run of the backend wrote a stretch of a user's history: tells a restored backup from the history it left.
CREATE TABLE marks (
    user_id   UUID    NOT NULL,
    first_seq BIGINT NOT NULL,
    mark      BIGINT NOT NULL,
    PRIMARY KEY (user_id, first_seq),
    UNIQUE (user_id, mark)
);

CREATE TABLE api_keys (
    id           UUID PRIMARY KEY,
    user_id      UUID    NOT NULL REFERENCES users (id),
    hash         BYTEA    NOT NULL UNIQUE,
    label        TEXT    NOT NULL,
    created_ms   BIGINT NOT NULL,
    last_used_ms BIGINT,
    revoked_ms   BIGINT
);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE devices (
    user_id      UUID    NOT NULL REFERENCES users (id),
    id           UUID    NOT NULL,
    created_ms   BIGINT NOT NULL,
    last_push_ms BIGINT,
    last_pull_ms BIGINT,
    revoked_ms   BIGINT,
    PRIMARY KEY (user_id, id)
);

-- The newest copy of each record, at its newest sequence number.
CREATE TABLE records (
    user_id    UUID    NOT NULL,
    entity     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    seq        BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    stamp      BIGINT NOT NULL,
    deleted    BOOLEAN NOT NULL,
    server_ms  BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    server_id  TEXT    NOT NULL,
    fields     TEXT    NOT NULL
);
-- The id before the entity: see the look-ups in store/postgres/push.rs.
CREATE UNIQUE INDEX records_by_id ON records (user_id, id, entity);
CREATE UNIQUE INDEX records_by_seq ON records (user_id, seq);
CREATE INDEX records_by_entity_seq ON records (user_id, entity, seq);
CREATE INDEX records_tombstones ON records (server_ms) WHERE deleted;

-- The first answer to each push that named itself, so that a repeat gets the same one.
CREATE TABLE answers (
    user_id    UUID    NOT NULL,
    device_id  UUID    NOT NULL,
    name       TEXT    NOT NULL,
    body_hash  BYTEA    NOT NULL,
    answer     TEXT    NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id, name)
);
CREATE INDEX answers_by_age ON answers (created_ms);
