CREATE TABLE owner (one BIGINT PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL, server TEXT, not_before BIGINT);
CREATE TABLE batch (
    id TEXT COLLATE "C" PRIMARY KEY,
    state TEXT COLLATE "C" NOT NULL,
    is_open BIGINT NOT NULL,
    settings TEXT NOT NULL,
    maker TEXT NOT NULL,
    approver TEXT,
    digest TEXT,
    why TEXT,
    plan TEXT,
    balances TEXT,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    erased_at BIGINT
);
CREATE TABLE chunk (
    batch TEXT COLLATE "C" NOT NULL REFERENCES batch (id),
    number BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT,
    life BIGINT,
    registered_at BIGINT,
    size BIGINT NOT NULL DEFAULT 32,
    PRIMARY KEY (batch, number)
);
CREATE INDEX chunk_due ON chunk (batch, state, due_at, number);
CREATE TABLE item (
    batch TEXT COLLATE "C" NOT NULL,
    chunk BIGINT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    payout_id TEXT COLLATE "C" NOT NULL UNIQUE,
    line BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    amount TEXT NOT NULL,
    method TEXT NOT NULL,
    operator TEXT,
    fingerprint TEXT NOT NULL,
    key_id TEXT,
    body BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    answer TEXT,
    why TEXT,
    replaces TEXT COLLATE "C",
    changed_at BIGINT NOT NULL,
    UNIQUE (batch, key)
);
CREATE INDEX item_chunk ON item (batch, chunk, key);
CREATE INDEX item_payout ON item (batch, payout_id);
CREATE INDEX item_replaces ON item (batch, replaces) WHERE replaces IS NOT NULL;
CREATE TABLE tally (
    batch TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (batch, state, currency)
);
CREATE TABLE problem (
    batch TEXT COLLATE "C" NOT NULL,
    line BIGINT NOT NULL,
    field TEXT,
    text TEXT NOT NULL
);
CREATE INDEX problem_line ON problem (batch, line);
CREATE TABLE event (
    batch TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT,
    details TEXT,
    hash TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (batch, number)
);
CREATE TABLE payee_seen (
    hash TEXT COLLATE "C" NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    amount TEXT NOT NULL,
    at BIGINT NOT NULL,
    batch TEXT COLLATE "C" NOT NULL,
    payout_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hash, payout_id)
);
CREATE INDEX payee_seen_batch ON payee_seen (batch);
CREATE TABLE rate (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    interval_us BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    halved_at BIGINT NOT NULL
);
CREATE TABLE outbox (
    batch TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    payout_id TEXT COLLATE "C" NOT NULL UNIQUE,
    currency TEXT COLLATE "C" NOT NULL,
    amount TEXT NOT NULL,
    method TEXT NOT NULL,
    operator TEXT,
    fingerprint TEXT NOT NULL,
    key_id TEXT NOT NULL,
    body BYTEA NOT NULL,
    added_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    taken_at BIGINT,
    PRIMARY KEY (batch, key)
);
CREATE INDEX outbox_waiting ON outbox (batch, added_at) WHERE taken_at IS NULL;
CREATE INDEX outbox_taken ON outbox (batch, currency, taken_at) WHERE taken_at IS NOT NULL;
