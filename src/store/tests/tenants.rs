use super::*;
use crate::domain::lifecycle::HealthReport;

const CANARY: &str = "CANARY-OF-B";

fn beta() -> TenantId {
    "beta".parse().expect("a tenant")
}

/// Fills a tenant with one proposal of everything; ids and repository are the same in both tenants.
async fn filled(store: &Store, tenant: &TenantId, mark: &str) {
    let seen = Record {
        name: Some("fix-1".into()),
        class: Some(class(tenant)),
        effect: Some(Digest::of(b"effect")),
        base: Some("main".into()),
        principal: mark.into(),
        auto: true,
        ..record(tenant, "0190-a")
    };
    let events = vec![Event::note("proposal.received", json!({"by": mark}))];
    store.receive(&seen, mark.as_bytes(), &[mark.to_owned()], events, at(0)).await.expect("taken in");
    let mut record = seen;
    for stage in [Stage::Pushed, Stage::Open, Stage::Merged] {
        record.pull = Some(5);
        let mut transition = step(&record, stage);
        transition.artifacts = vec![("diff", mark.as_bytes().to_vec())];
        store.commit(&transition, at(1)).await.expect("a step");
        record = transition.record;
    }
    let outcome = Some(outcome(mark, Judgement::Bad));
    store.commit(&Transition { outcome, demote: true, ..step(&record, Stage::Merged) }, at(2)).await.expect("judged");
    store.deliver(tenant, "local:local:7", "d-1", "push", mark.as_bytes(), at(1)).await.expect("keeps");
    let revision = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".parse().expect("an id");
    let report = HealthReport {
        reporter: mark.into(),
        result: Judgement::Bad,
        revision: Some(revision),
        note: mark.into(),
        at: at(2),
        severe: false,
        since: None,
    };
    store.report(tenant, "0190-a", &report).await.expect("keeps");
}

/// Everything one tenant can read, as text.
async fn everything(store: &Store, tenant: &TenantId) -> String {
    let id = "0190-a";
    let leaves = store.leaves(tenant, 0, 100).await.expect("leaves");
    let bytes: Vec<String> = leaves
        .iter()
        .flat_map(|leaf| [Some(&leaf.bytes), leaf.payload.as_ref().map(|(payload, _)| payload)])
        .flatten()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    let stored = store.stored(tenant, "fix-1").await.expect("reads");
    let body = stored.as_ref().map(|stored| String::from_utf8_lossy(&stored.bytes).into_owned());
    let diff = store.artifact(tenant, id, "diff").await.expect("reads").map(|b| String::from_utf8(b).expect("text"));
    let key = class(tenant).key();
    format!(
        "{bytes:?} {stored:?} {body:?} {diff:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.list(tenant, &Filter::default()).await.expect("lists"),
        store.approvals(tenant, id).await.expect("reads"),
        store.artifacts(tenant, id).await.expect("reads"),
        store.events(tenant, id).await.expect("reads"),
        store.outcomes(tenant, key).await.expect("reads"),
        store.classes(tenant).await.expect("reads"),
        store.reports(tenant, id).await.expect("reads"),
        store.twins(tenant, Digest::of(b"effect"), "").await.expect("reads"),
    )
}

#[tokio::test]
async fn tm61_a_tenant_reads_no_byte_of_another() {
    for place in places("tm61").await {
        let store = &place.store;
        store.ensure_tenant(&beta(), at(0), [9; 32]).await.expect("a tenant");
        filled(store, &beta(), CANARY).await;
        let empty = everything(store, &acme()).await;
        assert!(!empty.contains(CANARY) && !empty.contains("0190-a"), "{}: {empty}", place.name);
        filled(store, &acme(), "of-a").await;
        let mine = everything(store, &acme()).await;
        assert!(!mine.contains(CANARY) && !mine.contains("beta"), "{}: {mine}", place.name);
        assert!(mine.contains("of-a") && everything(store, &beta()).await.contains(CANARY));
        assert_eq!((proven(store, &acme()).await, proven(store, &beta()).await), (6, 6));
    }
}

#[tokio::test]
async fn tm58_a_tenant_changes_nothing_of_another() {
    for place in places("tm58").await {
        let store = &place.store;
        store.ensure_tenant(&beta(), at(0), [9; 32]).await.expect("a tenant");
        filled(store, &beta(), CANARY).await;
        let before = everything(store, &beta()).await;
        let foreign = Record { stage: Stage::Merged, pull: Some(5), ..record(&acme(), "0190-a") };
        let moved = store.commit(&step(&foreign, Stage::Settled), at(5)).await;
        assert!(matches!(moved, Err(StoreError::NotFound(_))), "{}: {moved:?}", place.name);
        assert_eq!(store.record(&acme(), "0190-a").await.expect("reads"), None);
        assert_eq!(store.wake(&acme(), WakeBy::Id("0190-a"), at(5)).await.expect("wakes"), 0);
        assert_eq!(store.wake(&acme(), WakeBy::Repository("local:local:7"), at(5)).await.expect("wakes"), 0);
        let key = class(&beta()).key();
        assert!(matches!(store.rearm(&acme(), key, note("x"), at(5)).await, Err(StoreError::NotFound(_))));
        assert_eq!(everything(store, &beta()).await, before, "{}", place.name);
    }
}

#[tokio::test]
async fn tm59_the_same_repository_in_two_tenants_is_counted_apart() {
    for place in places("tm59").await {
        let store = &place.store;
        store.ensure_tenant(&beta(), at(0), [9; 32]).await.expect("a tenant");
        filled(store, &beta(), CANARY).await;
        driven(store, &record(&beta(), "0190-b"), Stage::Open).await;
        let key = "local:local:7";
        let counts = store.pulls(&acme(), key, "", at(9)).await.expect("counts");
        assert_eq!((counts.open, counts.last_hour, counts.tenant_open), (0, 0, 0), "{}", place.name);
        assert!(store.on_target(&acme(), key, "shop/Deployment/web", "").await.expect("finds").is_empty());
        assert!(store.merging_on(&acme(), key, "main", "").await.expect("finds").is_empty());
        let class = class(&beta()).key();
        assert!(
            !store.demoted(&acme(), class).await.expect("reads") && store.demoted(&beta(), class).await.expect("reads")
        );
        assert_eq!(store.in_flight(&acme(), class).await.expect("counts"), 0);
        assert_eq!(store.pulls(&beta(), key, "", at(9)).await.expect("counts").open, 1);
        assert!(
            store.deliver(&acme(), key, "d-1", "push", b"", at(3)).await.expect("keeps"),
            "ids are the tenant's own"
        );
    }
}

/// Statements that serve every tenant at once, each with why it may.
const FOR_ALL: [(&str, &str); 16] = [
    ("SELECT row_security_active('proposal')", "whether the service sees every row; no row is read"),
    ("SELECT COUNT(*) FROM audit_head", "readiness: whether the database answers"),
    ("SELECT MIN(CASE WHEN at > lease THEN at ELSE lease END) FROM due", "when the worker looks next"),
    ("SELECT COUNT(*) FROM due WHERE at <= $1 AND lease <= $1", "a metric without tenants"),
    ("UPDATE due SET lease = $1, owner = $2, turn = turn + 1", "the worker claims for whoever waited longest"),
    ("WITH next AS MATERIALIZED (SELECT d.tenant, d.proposal FROM due d", "the same on PostgreSQL"),
    ("SELECT tenant, repository, id, event, body, at FROM delivery WHERE done IS NULL", "the worker takes hints"),
    ("DELETE FROM delivery WHERE done IS NOT NULL AND at < $1", "what is old is let go"),
    ("UPDATE served SET last = (SELECT MAX(last) FROM served) + 1 WHERE tenant = $1", "turns are shared among tenants"),
    (
        "SELECT tenant, id, principal, roles, sha256, made, made_by, expires, revoked, revoked_by FROM token \
         WHERE sha256 = $1",
        "who calls is not known before the token is found",
    ),
    ("SELECT m.name FROM sqlite_master m JOIN pragma_table_info", "which tables have a tenant, to end one"),
    ("SELECT table_name::text FROM information_schema.columns", "the same on PostgreSQL"),
    (
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
        "what keeps rows from being changed, to end a tenant",
    ),
    ("SELECT tenant FROM audit_head WHERE tenant <> $1", "the log over all logs names each tenant"),
    ("SELECT set_config(", "a session's own setting"),
    ("SELECT 1::BIGINT FROM pg_notify(", "a ring without a text"),
];

/// The statements of a source text, each on one line.
fn statements(source: &str) -> Vec<String> {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let plain = |text: &str| text.replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let literals = source.split('"').map(plain);
    literals.filter(|text| verbs.iter().any(|verb| text.starts_with(verb))).collect()
}

/// How many tables a statement reads or writes.
fn tables(sql: &str) -> usize {
    let words: Vec<&str> = sql.split([' ', '(']).collect();
    let names =
        |n: usize| words.get(n + 1).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_lowercase() || c == '{'));
    let opens = |n: &usize| match words[*n] {
        "FROM" | "JOIN" | "INTO" => names(*n),
        "UPDATE" => *n == 0 || words[*n - 1] == ")",
        _ => false,
    };
    (0..words.len()).filter(opens).count()
}

/// How often a statement says whose rows it means.
fn predicates(sql: &str) -> usize {
    sql.matches("tenant = ").count() + usize::from(sql.contains("(tenant, ") || sql.contains("(tenant)"))
}

#[test]
fn tm60_every_statement_names_its_tenant_for_every_table() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the room") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            seen.extend(statements(&std::fs::read_to_string(&path).expect("a source")));
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
    for (known, why) in FOR_ALL {
        assert!(seen.iter().any(|sql| sql.starts_with(known)), "no statement `{known}` ({why}) any more: take it out");
    }
    for sql in seen.iter().filter(|sql| !FOR_ALL.iter().any(|(known, _)| sql.starts_with(known))) {
        let (tables, predicates) = (tables(sql), predicates(sql));
        assert!(tables >= 1 && predicates >= tables, "{predicates} predicates for {tables} tables: {sql}");
    }
}

#[test]
fn tm60_the_lint_itself_finds_what_is_missing() {
    let bad = [
        "SELECT a FROM proposal WHERE id = $1",
        "UPDATE due SET at = $1 WHERE proposal = $2",
        "SELECT p.id FROM proposal p JOIN due d ON d.proposal = p.id WHERE p.tenant = $1",
        "UPDATE due SET at = $1 WHERE tenant = $2 AND proposal IN (SELECT id FROM proposal WHERE repository = $3)",
    ];
    for sql in bad {
        assert!(predicates(sql) < tables(sql), "{sql}");
    }
}

#[test]
fn tm60_every_table_belongs_to_tenants() {
    for kind in ["sqlite", "postgres"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
        let mut tables = 0;
        for entry in std::fs::read_dir(folder).expect("migrations") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a migration");
            for table in text.split("CREATE TABLE ").skip(1) {
                let body = table.split(");").next().or_else(|| table.split(") STRICT").next()).unwrap_or_default();
                let first = body.lines().nth(1).unwrap_or_default().trim();
                assert!(first.starts_with("tenant "), "{kind}: {table}");
                assert!(first.contains("PRIMARY KEY") || body.contains("PRIMARY KEY (tenant"), "{kind}: {body}");
                tables += 1;
            }
        }
        assert!(tables >= 15, "{kind}: {tables}");
    }
}

#[tokio::test]
async fn tm60_a_tenants_role_sees_its_rows_and_no_other() {
    let Some(place) = places("rows").await.into_iter().find(|place| place.name == "postgres") else { return };
    let store = &place.store;
    store.ensure_tenant(&beta(), at(0), [7; 32]).await.expect("a tenant");
    filled(store, &acme(), "of-acme").await;
    filled(store, &beta(), CANARY).await;
    let pool = sqlx::PgPool::connect(place.url.as_deref().expect("an address")).await.expect("reaches PostgreSQL");
    let role = "DO $$ BEGIN CREATE ROLE countersign_acme NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\
                GRANT USAGE ON SCHEMA cs_rows TO countersign_acme;\
                GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA cs_rows TO countersign_acme";
    sqlx::raw_sql(role).execute(&pool).await.expect("a role");
    let tables: Vec<(String, bool)> = sqlx::query_as(
        "SELECT c.relname::text, c.relrowsecurity FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE a.attname = 'tenant' AND c.relkind = 'r' AND c.relnamespace = 'cs_rows'::regnamespace",
    )
    .fetch_all(&pool)
    .await
    .expect("tables");
    assert!(tables.len() >= 15, "{tables:?}");
    let mut link = pool.acquire().await.expect("a connection");
    let (mut own, mut foreign) = (0, 0);
    for (table, held) in &tables {
        assert!(held, "{table} has no row level security: enable it where the table is made, as 0020_rows.sql does");
        let count = |who: &str| sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE tenant {who}"));
        let owner: (i64,) = sqlx::query_as(count("= 'beta'")).fetch_one(&mut *link).await.expect("the owner's view");
        foreign += owner.0;
        sqlx::query("SET ROLE countersign_acme").execute(&mut *link).await.expect("the role");
        let seen: (i64,) = sqlx::query_as(count("<> 'acme'")).fetch_one(&mut *link).await.expect("a view");
        let mine: (i64,) = sqlx::query_as(count("= 'acme'")).fetch_one(&mut *link).await.expect("a view");
        sqlx::query("RESET ROLE").execute(&mut *link).await.expect("the owner again");
        assert_eq!(seen.0, 0, "{table}");
        own += mine.0;
    }
    assert!(own > 10 && foreign > 10, "{own} own rows, {foreign} of the other");
    sqlx::query("SET ROLE countersign_acme").execute(&mut *link).await.expect("the role");
    let changed = sqlx::query("UPDATE proposal SET stage = 'dropped' WHERE tenant = 'beta'").execute(&mut *link).await;
    assert_eq!(changed.expect("nothing to change").rows_affected(), 0);
}

#[tokio::test]
async fn a_service_that_would_see_a_part_of_the_rows_does_not_start() {
    let Some(place) = places("hindered").await.into_iter().find(|place| place.name == "postgres") else { return };
    let url = place.url.as_deref().expect("an address");
    let pool = sqlx::PgPool::connect(url).await.expect("reaches PostgreSQL");
    let role = "DO $$ BEGIN CREATE ROLE cs_stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;\
                GRANT USAGE, CREATE ON SCHEMA cs_hindered TO cs_stranger;\
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cs_hindered TO cs_stranger";
    sqlx::raw_sql(role).execute(&pool).await.expect("a role");
    let as_stranger = url.replacen("options=", "options=-c%20role%3Dcs_stranger%20", 1);
    let refused = Store::open(&as_stranger, "countersign.local").await.expect_err("refused").to_string();
    assert!(refused.contains("connect as the role that owns them"), "{refused}");
}
