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
        revision,
        note: mark.into(),
        at: at(2),
        severe: false,
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

/// Statements that serve every tenant at once, on purpose.
const FOR_ALL: [&str; 6] = [
    "SELECT COUNT(*) FROM audit_head",
    "SELECT MIN(CASE WHEN at > lease THEN at ELSE lease END) FROM due",
    "SELECT COUNT(*) FROM due WHERE at <= $1 AND lease <= $1",
    "SELECT tenant, repository, id, event, body, at FROM delivery WHERE done IS NULL",
    "DELETE FROM delivery WHERE done IS NOT NULL AND at < $1",
    "SELECT set_config(",
];

#[test]
fn tm60_every_statement_names_its_tenant() {
    let room = [
        include_str!("../commit.rs"),
        include_str!("../db.rs"),
        include_str!("../due.rs"),
        include_str!("../gates.rs"),
        include_str!("../inbox.rs"),
        include_str!("../log.rs"),
        include_str!("../mod.rs"),
        include_str!("../proposals.rs"),
        include_str!("../record.rs"),
    ];
    let literals = room.iter().flat_map(|source| source.split('"'));
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    let statements: Vec<&str> = literals.filter(|text| verbs.iter().any(|verb| text.starts_with(verb))).collect();
    assert!(statements.len() > 40, "{}", statements.len());
    for sql in statements {
        let scoped = sql.contains("tenant = $") || sql.contains("(tenant, ") || sql.contains("d.tenant");
        assert!(scoped || FOR_ALL.iter().any(|known| sql.starts_with(known)), "{sql}");
    }
}
