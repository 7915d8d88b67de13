-- Repositories that a person stopped, until an admin of them takes it back.

CREATE TABLE halt (
    tenant     TEXT NOT NULL REFERENCES audit_head (tenant),
    repository TEXT NOT NULL,
    proposal   TEXT NOT NULL,
    user_id    BIGINT NOT NULL,
    login      TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (tenant, repository)
);
CREATE INDEX proposal_pull ON proposal (tenant, repository, pull);
