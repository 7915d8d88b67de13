-- Times are microseconds since 1970, digests are lowercase hex, records are JSON. Texts are compared by their bytes, as in SQLite.

CREATE TABLE audit_head (
    tenant    TEXT COLLATE "C" PRIMARY KEY,
    origin    TEXT COLLATE "C" NOT NULL,
    actor_key BYTEA NOT NULL,
    size      BIGINT NOT NULL,
    last      TEXT COLLATE "C" NOT NULL,
    at        BIGINT NOT NULL,
    frontier  TEXT COLLATE "C" NOT NULL
);

CREATE TABLE audit_leaf (
    tenant   TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    seq      BIGINT NOT NULL,
    prev     TEXT COLLATE "C" NOT NULL,
    hash     TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    bytes    BYTEA NOT NULL,
    PRIMARY KEY (tenant, seq),
    UNIQUE (tenant, prev)
);
CREATE INDEX audit_leaf_proposal ON audit_leaf (tenant, proposal, seq);

-- Apart from the leaves, so that a payload and its nonce can go without breaking the proof.
CREATE TABLE audit_payload (
    tenant      TEXT COLLATE "C" NOT NULL,
    seq         BIGINT NOT NULL,
    payload     BYTEA,
    nonce       BYTEA,
    redacted_by BIGINT,
    PRIMARY KEY (tenant, seq),
    FOREIGN KEY (tenant, seq) REFERENCES audit_leaf (tenant, seq),
    CHECK ((payload IS NULL) = (nonce IS NULL) AND (payload IS NULL) = (redacted_by IS NOT NULL))
);

-- The columns beside `record` repeat parts of it, for WHERE clauses only.
CREATE TABLE proposal (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C",
    digest     TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    target     TEXT COLLATE "C" NOT NULL,
    stage      TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C",
    effect     TEXT COLLATE "C",
    class      TEXT COLLATE "C",
    base       TEXT COLLATE "C",
    pull       BIGINT,
    merging    BIGINT NOT NULL,
    auto       BIGINT NOT NULL,
    opened     BIGINT,
    updated    BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    record     TEXT COLLATE "C" NOT NULL,
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, digest),
    UNIQUE (tenant, name)
);
CREATE INDEX proposal_repository ON proposal (tenant, repository, stage);
CREATE INDEX proposal_opened ON proposal (tenant, repository, opened);
CREATE INDEX proposal_effect ON proposal (tenant, effect);
CREATE INDEX proposal_class ON proposal (tenant, class, stage);

CREATE TABLE approval (
    tenant   TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    digest   TEXT COLLATE "C" NOT NULL,
    token    TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (tenant, proposal, digest),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);

CREATE TABLE artifact (
    tenant   TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    bytes    BYTEA NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (tenant, proposal, name),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);

-- One row for each proposal that is not over; `woken` remembers a hint that came during a turn.
CREATE TABLE due (
    tenant   TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    lease    BIGINT NOT NULL,
    owner    TEXT COLLATE "C" NOT NULL,
    turn     BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    woken    BIGINT NOT NULL,
    error    TEXT COLLATE "C",
    PRIMARY KEY (tenant, proposal),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);
CREATE INDEX due_at ON due (at);

-- Whose turn it was last, so that a tenant with many proposals does not keep the others waiting.
CREATE TABLE served (
    tenant TEXT COLLATE "C" PRIMARY KEY REFERENCES audit_head (tenant),
    last   BIGINT NOT NULL
);

CREATE TABLE class (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    key    TEXT COLLATE "C" NOT NULL,
    body   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE TABLE outcome (
    tenant   TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    class    TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    target   TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    result   TEXT COLLATE "C" NOT NULL CHECK (result IN ('good', 'bad', 'neutral')),
    auto     BIGINT NOT NULL,
    PRIMARY KEY (tenant, proposal),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);
CREATE INDEX outcome_class ON outcome (tenant, class, seq);

CREATE TABLE demotion (
    tenant   TEXT COLLATE "C" NOT NULL,
    class    TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (tenant, class),
    FOREIGN KEY (tenant, class) REFERENCES class (tenant, key)
);

CREATE TABLE delivery (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    repository TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    event      TEXT COLLATE "C" NOT NULL,
    body       BYTEA NOT NULL,
    at         BIGINT NOT NULL,
    done       BIGINT,
    PRIMARY KEY (tenant, repository, id)
);
CREATE INDEX delivery_pending ON delivery (at) WHERE done IS NULL;

CREATE TABLE health (
    tenant   TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    n        BIGINT NOT NULL,
    digest   TEXT COLLATE "C" NOT NULL,
    body     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, proposal, n),
    UNIQUE (tenant, proposal, digest),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);
