-- What incident a proposal belongs to: a hash of its fingerprint and its step of a plan.
ALTER TABLE proposal ADD COLUMN incident TEXT;
CREATE INDEX proposal_incident ON proposal (tenant, repository, incident);

-- When a push was announced whose pull request is not open yet: it counts as one from then on, until it is given up.
ALTER TABLE proposal ADD COLUMN reserved BIGINT;
