use super::*;
use crate::domain::facts::Quota;
use crate::domain::lifecycle::{MergeIntent, PushIntent, Reason};

#[tokio::test]
async fn a_proposal_is_taken_in_once() {
    for place in places("intake").await {
        let store = &place.store;
        let first = Record { name: Some("fix-1".into()), ..record(&acme(), "0190-a") };
        received(store, &first).await;
        let again = Record { id: "0190-b".into(), ..first.clone() };
        let known = store.receive(&again, b"{}", &[], vec![note("proposal.received")], at(1)).await;
        assert_eq!(known.expect("known"), Received::Known("0190-a".into()), "{}", place.name);
        let other = Record { digest: Digest::of(b"other"), ..again.clone() };
        let taken = store.receive(&other, b"{}", &[], vec![note("proposal.received")], at(1)).await;
        assert!(matches!(taken, Err(StoreError::Duplicate { existing }) if existing == "0190-a"), "{}", place.name);
        let (read, bytes) = store.record(&acme(), "fix-1").await.expect("reads").expect("is there");
        assert_eq!((read, bytes), (first.clone(), b"{}".to_vec()));
        assert_eq!(store.record(&acme(), "0190-b").await.expect("reads"), None);
        let silent = store.receive(&record(&acme(), "0190-c"), b"{}", &[], vec![], at(1)).await;
        assert!(matches!(silent, Err(StoreError::Invalid(_))));
        assert_eq!(proven(store, &acme()).await, 2, "one genesis and one event");
    }
}

#[tokio::test]
async fn a_transition_writes_everything_at_once() {
    for place in places("commit").await {
        let store = &place.store;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        let mut transition = step(&first, Stage::Pushed);
        transition.record.pull = Some(4);
        transition.events.push(note("attestation.intent"));
        transition.artifacts = vec![("diff", b"-a\n+b\n".to_vec()), ("inverse", vec![0, 255])];
        let places = store.commit(&transition, at(5)).await.expect("commits");
        assert_eq!(places.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [2, 3], "{}", place.name);
        let leaf = store.leaves(&acme(), 3, 1).await.expect("leaves").remove(0);
        assert_eq!(crate::domain::audit::leaf_hash(&leaf.bytes), places[1].1);
        let told = store.events(&acme(), "0190-a").await.expect("events");
        assert_eq!(
            told.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
            ["proposal.received", "stage.changed", "attestation.intent"]
        );
        assert_eq!((told[2].pr, told[2].actor.as_deref()), (4, Some("countersign")));
        assert_eq!(store.artifact(&acme(), "0190-a", "inverse").await.expect("reads"), Some(vec![0, 255]));
        assert_eq!(
            store.artifacts(&acme(), "0190-a").await.expect("reads"),
            [("diff".into(), 6), ("inverse".into(), 2)]
        );
        transition.from = Stage::Pushed;
        transition.artifacts = vec![("diff", Vec::new())];
        store.commit(&transition, at(6)).await.expect("stays");
        assert_eq!(store.artifact(&acme(), "0190-a", "diff").await.expect("reads"), Some(Vec::new()));
        assert_eq!(store.stored(&acme(), "0190-a").await.expect("reads").expect("is there").version, 2);
    }
}

#[tokio::test]
async fn a_transition_that_does_not_fit_changes_nothing() {
    for place in places("refused").await {
        let store = &place.store;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        let before =
            (store.head(&acme()).await.expect("a head"), store.stored(&acme(), "0190-a").await.expect("reads"));
        let fits = step(&first, Stage::Pushed);
        let silent = Transition { events: Vec::new(), ..fits.clone() };
        let leap = Transition { record: Record { stage: Stage::Merged, ..first.clone() }, ..fits.clone() };
        let asleep = Transition { due: None, ..fits.clone() };
        for bad in [silent, leap, asleep] {
            let refused = store.commit(&bad, at(1)).await;
            assert!(matches!(refused, Err(StoreError::Invalid(_))), "{}: {refused:?}", place.name);
        }
        let late = Transition { from: Stage::Pushed, ..fits.clone() };
        let swapped = Transition { record: Record { digest: Digest::of(b"x"), ..fits.record.clone() }, ..fits.clone() };
        for bad in [late, swapped] {
            let refused = store.commit(&bad, at(1)).await;
            assert!(matches!(&refused, Err(StoreError::Conflict(text)) if text.contains("`received`")), "{refused:?}");
        }
        let mut stranger = fits.clone();
        stranger.record.id = "0190-z".into();
        assert!(matches!(store.commit(&stranger, at(1)).await, Err(StoreError::NotFound(_))));
        let classless = Transition { demote: true, ..fits.clone() };
        assert!(matches!(store.commit(&classless, at(1)).await, Err(StoreError::Invalid(_))));
        assert!(matches!(store.commit_seen(&fits, 7, at(1)).await, Err(StoreError::Conflict(_))));
        let after = (store.head(&acme()).await.expect("a head"), store.stored(&acme(), "0190-a").await.expect("reads"));
        assert_eq!(before, after, "{}", place.name);
        store.commit_seen(&fits, 0, at(1)).await.expect("fits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_racing_transitions_one_wins() {
    for place in places("race").await {
        let first = record(&acme(), "0190-a");
        received(&place.store, &first).await;
        let other = place.again().await;
        let mut racers = tokio::task::JoinSet::new();
        for n in 0..6 {
            let store = if n % 2 == 0 { place.store.clone() } else { other.clone() };
            let transition = step(&first, Stage::Pushed);
            racers.spawn(async move { store.commit(&transition, at(1)).await });
        }
        let results = racers.join_all().await;
        let lost = results.iter().filter(|result| matches!(result, Err(StoreError::Conflict(_)))).count();
        assert_eq!((results.len(), lost), (6, 5), "{}: {results:?}", place.name);
        assert_eq!(proven(&place.store, &acme()).await, 3);
    }
}

#[tokio::test]
async fn proposals_are_listed_newest_first() {
    for place in places("list").await {
        let store = &place.store;
        for n in 0..5 {
            driven(store, &record(&acme(), &format!("0190-{n}")), if n == 3 { Stage::Open } else { Stage::Received })
                .await;
        }
        let ids = |found: Vec<Record>| found.into_iter().map(|record| record.id).collect::<Vec<_>>();
        let list = async |filter: Filter| ids(store.list(&acme(), &filter).await.expect("lists"));
        let newest = list(Filter { limit: 2, ..Filter::default() }).await;
        assert_eq!(newest, ["0190-4", "0190-3"], "{}", place.name);
        let next = Filter { limit: 2, before: Some("0190-3".into()), ..Filter::default() };
        assert_eq!(list(next).await, ["0190-2", "0190-1"]);
        assert_eq!(list(Filter { stage: Some(Stage::Open), ..Filter::default() }).await, ["0190-3"]);
        assert!(list(Filter { repository: Some("local:local:8".into()), ..Filter::default() }).await.is_empty());
        assert_eq!(list(Filter { repository: Some("local:local:7".into()), ..Filter::default() }).await.len(), 5);
    }
}

#[tokio::test]
async fn gates_find_their_neighbours() {
    for place in places("gates").await {
        let store = &place.store;
        let effect = Some(Digest::of(b"effect"));
        let key = "local:local:7";
        let seen = |id: &str| Record { effect, base: Some("main".into()), ..record(&acme(), id) };
        let open = driven(store, &seen("0190-a"), Stage::Open).await;
        let pushed = driven(store, &seen("0190-b"), Stage::Pushed).await;
        driven(store, &seen("0190-c"), Stage::Settled).await;
        // A pull request that a person closed; one that ended by itself; a second try, refused because of the first.
        for (id, code, pull) in
            [("0190-d", "rejected", Some(4)), ("0190-e", "expired", Some(5)), ("0190-f", "rejected", None)]
        {
            let taken = driven(store, &seen(id), Stage::Received).await;
            let mut dropped = step(&taken, Stage::Dropped);
            dropped.record.reason = Some(Reason::new(code, "so it is"));
            dropped.record.pull = pull;
            store.commit(&dropped, at(9)).await.expect("drops");
        }
        let counts = store.pulls(&acme(), key, "", at(10)).await.expect("counts");
        // The pushed one is open for the count, and opened in the hour in which it was announced.
        assert_eq!((counts.open, counts.last_hour), (2, 5), "{}", place.name);
        assert_eq!((counts.tenant_open, counts.tenant_last_hour), (2, 5));
        let later = store.pulls(&acme(), "local:local:8", "0190-b", at(3_700)).await.expect("counts");
        assert_eq!((later.open, later.last_hour, later.tenant_open, later.tenant_last_hour), (0, 0, 1, 0));
        let twins = store.twins(&acme(), Digest::of(b"effect"), "0190-b").await.expect("finds");
        let found: Vec<_> = twins.iter().map(|twin| (twin.record.id.as_str(), twin.record.stage)).collect();
        let wanted = [("0190-a", Stage::Open), ("0190-c", Stage::Settled), ("0190-d", Stage::Dropped)];
        assert_eq!(found, wanted, "{}", place.name);
        assert_eq!(
            (twins[2].record.reason.as_ref().map(|r| r.code.as_str()), twins[2].updated),
            (Some("rejected"), at(9))
        );
        let target = &pushed.target;
        let same = store.on_target(&acme(), key, target, "0190-b").await.expect("finds");
        assert_eq!(same.iter().map(|n| n.record.id.as_str()).collect::<Vec<_>>(), ["0190-a"]);
        let named = async |id: &str| store.neighbour(&acme(), id).await.expect("finds").map(|found| found.record.id);
        assert_eq!((named("0190-a").await.as_deref(), named("0190-z").await), (Some("0190-a"), None));
        merge_intents(store, &open).await;
    }
}

async fn merge_intents(store: &Store, open: &Record) {
    let key = "local:local:7";
    let oid: crate::domain::ids::Oid = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".parse().expect("an id");
    let intent = MergeIntent { head: oid.clone(), base: oid.clone(), tree: oid, at: at(3) };
    let mut announced = step(open, Stage::Open);
    announced.record.merging = Some(intent);
    store.commit(&announced, at(3)).await.expect("announces");
    let merging = async |base, except| store.merging_on(&acme(), key, base, except).await.expect("finds").len();
    assert_eq!(merging("main", "0190-b").await, 1);
    assert_eq!((merging("main", "0190-a").await, merging("other", "0190-b").await), (0, 0));
    store.commit(&step(&announced.record, Stage::Merged), at(4)).await.expect("merges");
    assert_eq!(merging("main", "0190-b").await, 0);
}

#[tokio::test]
async fn tm63_room_is_reserved_with_the_intent_given_back_and_taken_once() {
    for place in places("room").await {
        let store = &place.store;
        let quota = Some(Quota { open: 9, per_hour: 1, tenant_open: None, tenant_per_hour: Some(2) });
        let announce = |record: &Record| {
            let mut next = step(record, Stage::Received);
            let at = at(5);
            next.record.quota = quota;
            next.record.push = Some(PushIntent {
                branch: "b".into(),
                old: None,
                parent: "a".repeat(40).parse().expect("an id"),
                tree: "b".repeat(40).parse().expect("an id"),
                at,
            });
            next
        };
        let taken = |id: &'static str| async move { driven(store, &record(&acme(), id), Stage::Received).await };
        let (first, second) = (taken("0190-a").await, taken("0190-b").await);
        let (a, b) = (announce(&first), announce(&second));
        // Two that announce at once: the log's head lets one of them count the other.
        let (one, other) = tokio::join!(store.commit(&a, at(5)), store.commit(&b, at(5)));
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{}: {one:?} {other:?}", place.name);
        let (winner, loser) = if one.is_ok() { (a, b) } else { (b, a) };
        assert!(matches!(store.commit(&loser, at(6)).await, Err(StoreError::Conflict(_))), "{}", place.name);
        // A push that was lost gives its room back.
        let mut lost = step(&winner.record, Stage::Received);
        lost.record.push = None;
        store.commit(&lost, at(7)).await.expect("gives back");
        store.commit(&loser, at(8)).await.expect("takes it");
        // What was pushed keeps it, and is counted in its own repository and in the tenant.
        let mut pushed = step(&loser.record, Stage::Pushed);
        pushed.record.quota = Some(Quota { open: 0, per_hour: 0, tenant_open: None, tenant_per_hour: None });
        store.commit(&pushed, at(9)).await.expect("what is pushed is not asked for room again");
        let elsewhere = store.pulls(&acme(), "local:local:70", "", at(10)).await.expect("counts");
        assert_eq!((elsewhere.last_hour, elsewhere.tenant_last_hour), (0, 1), "{}", place.name);
        assert!(store.commit(&announce(&lost.record), at(10)).await.is_err(), "{}", place.name);
        store.commit(&announce(&lost.record), at(9 + 3_600)).await.expect("an hour later there is room");
    }
}

#[tokio::test]
async fn a_commit_to_a_file_waits_for_the_disk() {
    for place in places("lasting").await {
        let db::Db::Sqlite { wal: Some(wal), .. } = &place.store.db else { continue };
        let before = wal.waits().await;
        received(&place.store, &record(&acme(), "0190-a")).await;
        assert!(wal.waits().await > before, "{}", place.name);
        return;
    }
    panic!("no place is a file");
}

#[tokio::test]
async fn proposals_of_one_incident_are_found_since_a_time() {
    for place in places("incident").await {
        let (store, incident) = (&place.store, Digest::of(b"an incident"));
        for (id, came) in [("0190-a", 10), ("0190-b", 20), ("0190-c", 30)] {
            let one = Record { incident: Some(incident), received: at(came), ..record(&acme(), id) };
            received(store, &one).await;
        }
        received(store, &record(&acme(), "0190-d")).await;
        let found = async |since: i64, except: &str| {
            let found = store.of_incident(&acme(), "local:local:7", incident, at(since), except).await.expect("finds");
            found.into_iter().map(|other| other.record.id).collect::<Vec<_>>()
        };
        assert_eq!(found(20, "0190-c").await, ["0190-b"], "{}", place.name);
        assert_eq!(found(0, "0190-a").await, ["0190-b", "0190-c"]);
        assert_eq!(found(31, "0190-a").await, Vec::<String>::new());
    }
}
