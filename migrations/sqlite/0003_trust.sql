-- What an outcome needs to be judged later: when it was merged, who proposed it, in which epoch, and who showed it.
ALTER TABLE outcome ADD COLUMN merged INTEGER;
ALTER TABLE outcome ADD COLUMN maker TEXT NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN severe INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN evidence TEXT NOT NULL DEFAULT '';

-- What the class was judged under when a proposal of it was last looked at.
ALTER TABLE class ADD COLUMN terms TEXT;

-- After a severe failure two persons have to ask.
ALTER TABLE demotion ADD COLUMN severe INTEGER NOT NULL DEFAULT 0;
ALTER TABLE demotion ADD COLUMN asked_by TEXT;

-- Nothing becomes a success: a good outcome is written once, for a merged change, with who showed it; it can only be
-- taken back.
CREATE TRIGGER outcome_good BEFORE INSERT ON outcome
WHEN NEW.result = 'good' AND (NEW.evidence = '' OR NOT EXISTS (
    SELECT 1 FROM proposal p WHERE p.tenant = NEW.tenant AND p.id = NEW.proposal AND p.stage IN ('merged', 'settled')))
BEGIN
    SELECT RAISE(ABORT, 'a good outcome needs a merged change and evidence');
END;

CREATE TRIGGER outcome_worse BEFORE UPDATE ON outcome
WHEN NEW.result = 'good' OR OLD.result = 'bad' OR NEW.result = OLD.result
BEGIN
    SELECT RAISE(ABORT, 'an outcome can only be taken back');
END;

CREATE TRIGGER outcome_stays BEFORE DELETE ON outcome
BEGIN
    SELECT RAISE(ABORT, 'an outcome stays');
END;
