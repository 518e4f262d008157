-- Secrets and facts of this database.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

-- One row for each account. Its counters move only inside a writing transaction.
CREATE TABLE users (
    id           BLOB PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    created_ms   INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    head_seq     INTEGER NOT NULL DEFAULT 0,
    head_ms      INTEGER NOT NULL DEFAULT 0,
    mark         INTEGER NOT NULL DEFAULT 0,
    mark_seq     INTEGER NOT NULL DEFAULT 0,
    horizon_seq  INTEGER NOT NULL DEFAULT 0,
    purged_stamp INTEGER
) WITHOUT ROWID;

-- Which run of the backend wrote a stretch of a user's history: tells a restored backup from the history it left.
CREATE TABLE marks (
    user_id   BLOB    NOT NULL,
    first_seq INTEGER NOT NULL,
    mark      INTEGER NOT NULL,
    PRIMARY KEY (user_id, first_seq),
    UNIQUE (user_id, mark)
) WITHOUT ROWID;

CREATE TABLE api_keys (
    id           BLOB PRIMARY KEY,
    user_id      BLOB    NOT NULL REFERENCES users (id),
    hash         BLOB    NOT NULL UNIQUE,
    label        TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER,
    revoked_ms   INTEGER
) WITHOUT ROWID;
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE devices (
    user_id      BLOB    NOT NULL REFERENCES users (id),
    id           BLOB    NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_push_ms INTEGER,
    last_pull_ms INTEGER,
    revoked_ms   INTEGER,
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;

-- The newest copy of each record, at its newest sequence number.
CREATE TABLE records (
    user_id    BLOB    NOT NULL,
    entity     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    stamp      INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    server_ms  INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    server_id  TEXT    NOT NULL,
    fields     TEXT    NOT NULL
);
CREATE UNIQUE INDEX records_by_id ON records (user_id, entity, id);
CREATE UNIQUE INDEX records_by_seq ON records (user_id, seq);
CREATE INDEX records_by_entity_seq ON records (user_id, entity, seq);
CREATE INDEX records_tombstones ON records (server_ms) WHERE deleted;

-- The first answer to each push that named itself, so that a repeat gets the same one.
CREATE TABLE answers (
    user_id    BLOB    NOT NULL,
    device_id  BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    body_hash  BLOB    NOT NULL,
    answer     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id, name)
);
CREATE INDEX answers_by_age ON answers (created_ms);
