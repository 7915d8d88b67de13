-- A role that is named after a tenant, `countersign_<tenant>`, sees that tenant's rows and no other. The service owns the
-- tables and is not held up.
DO $$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT c.oid::regclass FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::text::regnamespace
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', found);
        EXECUTE format('CREATE POLICY of_tenant ON %s USING (current_user = ''countersign_'' || tenant)', found);
    END LOOP;
END $$;
