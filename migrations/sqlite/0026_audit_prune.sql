-- The first entry that is still there: those before it were pruned, with an entry that says so.

ALTER TABLE audit_head ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
