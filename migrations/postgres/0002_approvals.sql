-- Every token that was ever used up; a second use finds its row.
CREATE TABLE used_token (
    tenant   TEXT COLLATE "C" NOT NULL,
    issuer   TEXT COLLATE "C" NOT NULL,
    jti      TEXT COLLATE "C" NOT NULL,
    proposal TEXT COLLATE "C" NOT NULL,
    token    TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (tenant, issuer, jti),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
);

-- What is left of a person's approvals in an hour, for one action kind.
CREATE TABLE approver_budget (
    tenant TEXT COLLATE "C" NOT NULL REFERENCES audit_head (tenant),
    key    TEXT COLLATE "C" NOT NULL,
    level  BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);
