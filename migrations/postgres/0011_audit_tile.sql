-- Roots of perfect subtrees of 256, 65,536, ... leaves: what a proof takes from far away. They repeat what the leaves
-- say, so a log that is older than this table proves as well, only slower.

CREATE TABLE audit_tile (
    tenant TEXT NOT NULL REFERENCES audit_head (tenant),
    level  BIGINT NOT NULL,
    seq    BIGINT NOT NULL,
    hash   TEXT NOT NULL,
    PRIMARY KEY (tenant, level, seq)
);
