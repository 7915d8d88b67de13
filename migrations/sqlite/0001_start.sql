-- Times are microseconds since 1970, digests are lowercase hex, records are JSON.

CREATE TABLE audit_head (
    tenant    TEXT PRIMARY KEY,
    origin    TEXT NOT NULL,
    actor_key BLOB NOT NULL,
    size      INTEGER NOT NULL,
    last      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    frontier  TEXT NOT NULL
) STRICT;

CREATE TABLE audit_leaf (
    tenant   TEXT NOT NULL REFERENCES audit_head (tenant),
    seq      INTEGER NOT NULL,
    prev     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    proposal TEXT NOT NULL,
    bytes    BLOB NOT NULL,
    PRIMARY KEY (tenant, seq),
    UNIQUE (tenant, prev)
) STRICT;
CREATE INDEX audit_leaf_proposal ON audit_leaf (tenant, proposal, seq);

-- Apart from the leaves, so that a payload and its nonce can go without breaking the proof.
CREATE TABLE audit_payload (
    tenant      TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    payload     BLOB,
    nonce       BLOB,
    redacted_by INTEGER,
    PRIMARY KEY (tenant, seq),
    FOREIGN KEY (tenant, seq) REFERENCES audit_leaf (tenant, seq),
    CHECK ((payload IS NULL) = (nonce IS NULL) AND (payload IS NULL) = (redacted_by IS NOT NULL))
) STRICT;

-- The columns beside `record` repeat parts of it, for WHERE clauses only.
CREATE TABLE proposal (
    tenant     TEXT NOT NULL REFERENCES audit_head (tenant),
    id         TEXT NOT NULL,
    name       TEXT,
    digest     TEXT NOT NULL,
    repository TEXT NOT NULL,
    target     TEXT NOT NULL,
    stage      TEXT NOT NULL,
    reason     TEXT,
    effect     TEXT,
    class      TEXT,
    base       TEXT,
    pull       INTEGER,
    merging    INTEGER NOT NULL,
    auto       INTEGER NOT NULL,
    opened     INTEGER,
    updated    INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    record     TEXT NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, digest),
    UNIQUE (tenant, name)
) STRICT;
CREATE INDEX proposal_repository ON proposal (tenant, repository, stage);
CREATE INDEX proposal_opened ON proposal (tenant, repository, opened);
CREATE INDEX proposal_effect ON proposal (tenant, effect);
CREATE INDEX proposal_class ON proposal (tenant, class, stage);

CREATE TABLE approval (
    tenant   TEXT NOT NULL,
    proposal TEXT NOT NULL,
    digest   TEXT NOT NULL,
    token    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, proposal, digest),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;

CREATE TABLE artifact (
    tenant   TEXT NOT NULL,
    proposal TEXT NOT NULL,
    name     TEXT NOT NULL,
    bytes    BLOB NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, proposal, name),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;

-- One row for each proposal that is not over; `woken` remembers a hint that came during a turn.
CREATE TABLE due (
    tenant   TEXT NOT NULL,
    proposal TEXT NOT NULL,
    at       INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    owner    TEXT NOT NULL,
    turn     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    woken    INTEGER NOT NULL,
    error    TEXT,
    PRIMARY KEY (tenant, proposal),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;
CREATE INDEX due_at ON due (at);

-- Whose turn it was last, so that a tenant with many proposals does not keep the others waiting.
CREATE TABLE served (
    tenant TEXT PRIMARY KEY REFERENCES audit_head (tenant),
    last   INTEGER NOT NULL
) STRICT;

CREATE TABLE class (
    tenant TEXT NOT NULL REFERENCES audit_head (tenant),
    key    TEXT NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT;

CREATE TABLE outcome (
    tenant   TEXT NOT NULL,
    proposal TEXT NOT NULL,
    class    TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    target   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    result   TEXT NOT NULL CHECK (result IN ('good', 'bad', 'neutral')),
    auto     INTEGER NOT NULL,
    PRIMARY KEY (tenant, proposal),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;
CREATE INDEX outcome_class ON outcome (tenant, class, seq);

CREATE TABLE demotion (
    tenant   TEXT NOT NULL,
    class    TEXT NOT NULL,
    proposal TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, class),
    FOREIGN KEY (tenant, class) REFERENCES class (tenant, key)
) STRICT;

CREATE TABLE delivery (
    tenant     TEXT NOT NULL REFERENCES audit_head (tenant),
    repository TEXT NOT NULL,
    id         TEXT NOT NULL,
    event      TEXT NOT NULL,
    body       BLOB NOT NULL,
    at         INTEGER NOT NULL,
    done       INTEGER,
    PRIMARY KEY (tenant, repository, id)
) STRICT;
CREATE INDEX delivery_pending ON delivery (at) WHERE done IS NULL;

CREATE TABLE health (
    tenant   TEXT NOT NULL,
    proposal TEXT NOT NULL,
    n        INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (tenant, proposal, n),
    UNIQUE (tenant, proposal, digest),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;
