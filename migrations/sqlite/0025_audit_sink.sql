-- How far each copy of a log elsewhere has come, who brings it further now, and what went wrong last.

CREATE TABLE audit_sink (
    tenant   TEXT NOT NULL REFERENCES audit_head (tenant),
    name     TEXT NOT NULL,
    next     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    owner    TEXT NOT NULL,
    turn     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error    TEXT,
    PRIMARY KEY (tenant, name)
) STRICT;
