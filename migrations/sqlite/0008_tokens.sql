-- Tokens made over the API: only their digests, whose they are, and until when. A token that was revoked stays, revoked.
CREATE TABLE token (
    tenant     TEXT NOT NULL REFERENCES audit_head (tenant),
    id         TEXT NOT NULL,
    principal  TEXT NOT NULL,
    roles      TEXT NOT NULL,
    sha256     TEXT NOT NULL UNIQUE,
    made       INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    expires    INTEGER NOT NULL,
    revoked    INTEGER,
    revoked_by TEXT,
    PRIMARY KEY (tenant, id)
) STRICT;
