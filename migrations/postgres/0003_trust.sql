-- What an outcome needs to be judged later: when it was merged, who proposed it, in which epoch, and who showed it.
ALTER TABLE outcome ADD COLUMN merged BIGINT;
ALTER TABLE outcome ADD COLUMN maker TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN epoch TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outcome ADD COLUMN severe BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outcome ADD COLUMN evidence TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What the class was judged under when a proposal of it was last looked at.
ALTER TABLE class ADD COLUMN terms TEXT COLLATE "C";

-- After a severe failure two persons have to ask.
ALTER TABLE demotion ADD COLUMN severe BIGINT NOT NULL DEFAULT 0;
ALTER TABLE demotion ADD COLUMN asked_by TEXT COLLATE "C";

-- Nothing becomes a success: a good outcome is written once, for a merged change, with who showed it; it can only be
-- taken back.
CREATE FUNCTION outcome_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.result = 'good' AND (NEW.evidence = '' OR NOT EXISTS (
        SELECT 1 FROM proposal p
        WHERE p.tenant = NEW.tenant AND p.id = NEW.proposal AND p.stage IN ('merged', 'settled')))
    THEN
        RAISE EXCEPTION 'a good outcome needs a merged change and evidence' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outcome_good BEFORE INSERT ON outcome FOR EACH ROW EXECUTE FUNCTION outcome_good();

CREATE FUNCTION outcome_worse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an outcome stays' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.result = 'good' OR OLD.result = 'bad' OR NEW.result = OLD.result THEN
        RAISE EXCEPTION 'an outcome can only be taken back' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER outcome_worse BEFORE UPDATE OR DELETE ON outcome FOR EACH ROW EXECUTE FUNCTION outcome_worse();
