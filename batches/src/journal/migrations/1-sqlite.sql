CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL, server TEXT, not_before INTEGER) STRICT;
CREATE TABLE batch (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    settings TEXT NOT NULL,
    maker TEXT NOT NULL,
    approver TEXT,
    digest TEXT,
    why TEXT,
    plan TEXT,
    balances TEXT,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    erased_at INTEGER
) STRICT;
CREATE TABLE chunk (
    batch TEXT NOT NULL REFERENCES batch (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER,
    life INTEGER,
    registered_at INTEGER,
    size INTEGER NOT NULL DEFAULT 32,
    PRIMARY KEY (batch, number)
) STRICT;
CREATE INDEX chunk_due ON chunk (batch, state, due_at, number);
CREATE TABLE item (
    batch TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    key TEXT NOT NULL,
    payout_id TEXT NOT NULL UNIQUE,
    line INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    currency TEXT NOT NULL,
    amount TEXT NOT NULL,
    method TEXT NOT NULL,
    operator TEXT,
    fingerprint TEXT NOT NULL,
    key_id TEXT,
    body BLOB,
    state TEXT NOT NULL,
    answer TEXT,
    why TEXT,
    replaces TEXT,
    changed_at INTEGER NOT NULL,
    UNIQUE (batch, key)
) STRICT;
CREATE INDEX item_chunk ON item (batch, chunk, key);
CREATE INDEX item_payout ON item (batch, payout_id);
CREATE INDEX item_replaces ON item (batch, replaces) WHERE replaces IS NOT NULL;
CREATE TABLE tally (
    batch TEXT NOT NULL,
    state TEXT NOT NULL,
    currency TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (batch, state, currency)
) STRICT;
CREATE TABLE problem (
    batch TEXT NOT NULL,
    line INTEGER NOT NULL,
    field TEXT,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX problem_line ON problem (batch, line);
CREATE TABLE event (
    batch TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT,
    details TEXT,
    hash TEXT NOT NULL,
    PRIMARY KEY (batch, number)
) STRICT;
CREATE TABLE payee_seen (
    hash TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount TEXT NOT NULL,
    at INTEGER NOT NULL,
    batch TEXT NOT NULL,
    payout_id TEXT NOT NULL,
    PRIMARY KEY (hash, payout_id)
) STRICT;
CREATE INDEX payee_seen_batch ON payee_seen (batch);
CREATE TABLE rate (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    interval_us INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    halved_at INTEGER NOT NULL
) STRICT;
