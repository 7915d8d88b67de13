-- How far each copy of a log elsewhere has come, who brings it further now, and what went wrong last.

CREATE TABLE audit_sink (
    tenant   TEXT NOT NULL REFERENCES audit_head (tenant),
    name     TEXT NOT NULL,
    next     BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    lease    BIGINT NOT NULL,
    owner    TEXT NOT NULL,
    turn     BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error    TEXT,
    PRIMARY KEY (tenant, name)
);
ALTER TABLE audit_sink ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON audit_sink USING (current_user = 'countersign_' || tenant);
