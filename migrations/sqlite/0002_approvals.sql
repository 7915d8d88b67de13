-- Every token that was ever used up; a second use finds its row.
CREATE TABLE used_token (
    tenant   TEXT NOT NULL,
    issuer   TEXT NOT NULL,
    jti      TEXT NOT NULL,
    proposal TEXT NOT NULL,
    token    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (tenant, issuer, jti),
    FOREIGN KEY (tenant, proposal) REFERENCES proposal (tenant, id)
) STRICT;

-- What is left of a person's approvals in an hour, for one action kind.
CREATE TABLE approver_budget (
    tenant TEXT NOT NULL REFERENCES audit_head (tenant),
    key    TEXT NOT NULL,
    level  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT;
