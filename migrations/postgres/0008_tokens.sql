-- Tokens made over the API: only their digests, whose they are, and until when. A token that was revoked stays, revoked.
CREATE TABLE token (
    tenant     TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    id         TEXT COLLATE "C" NOT NULL,
    principal  TEXT COLLATE "C" NOT NULL,
    roles      TEXT COLLATE "C" NOT NULL,
    sha256     TEXT COLLATE "C" NOT NULL UNIQUE,
    made       BIGINT NOT NULL,
    made_by    TEXT COLLATE "C" NOT NULL,
    expires    BIGINT NOT NULL,
    revoked    BIGINT,
    revoked_by TEXT COLLATE "C",
    PRIMARY KEY (tenant, id)
);
