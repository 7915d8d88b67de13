//! The process ends at any moment, or its database refuses: nothing is lost and nothing happens twice.

use crate::between::{Between, Fate, Moment};
use crate::documents::image;
use crate::world::{HOUR, World};
use countersign::domain::facts::{Conclusion, PullState};
use countersign::domain::trust::Judgement;
use countersign::sink::keep_checkpoint;
use countersign::web::{Ask, Export, letter};

const STORY: &str = "received / pushed / opened / attested / waits: checks.missing / every gate passes / merged / waits: soak / settled: good";
/// Longer than a lease.
const LEASE: i64 = 121;

/// Takes every turn, or ends where fate wants it; then begins anew until nothing is due.
pub async fn live(mut w: World, fate: &std::sync::Arc<Fate>) -> World {
    w.wrap(|inner| Between::mortal(inner, fate.clone()));
    let worker = w.stage.worker();
    let died = tokio::select! {
        biased;
        () = fate.died.notified() => true,
        turns = worker.until_idle() => { turns.unwrap(); false }
    };
    if died {
        w = w.restart().await;
        w.advance(LEASE);
        w.turns().await;
    }
    w
}

/// Plays the whole path of a change that merges by itself; answers how many effects it had.
async fn automate(moment: Moment) -> u64 {
    let fate = Fate::new(moment);
    let w = World::seasoned().await;
    let before = w.pulls().await.len();
    let id = w.adopt(&image("web", "staging", "2.0")).await;
    let w = live(w, &fate).await;
    w.ci().check(w.number(&id).await, "ci/build", Conclusion::Success, 15368).await.unwrap();
    w.stage.wake(&id).await.unwrap();
    let w = live(w, &fate).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    assert_eq!(w.story(&id).await, STORY, "{moment:?}");
    let record = w.record(&id).await;
    assert!(record.auto && record.outcome == Some(Judgement::Good), "{moment:?}");
    let pulls = w.pulls().await;
    assert_eq!((pulls.len(), pulls[0].state), (before + 1, PullState::Merged), "{moment:?}");
    let outcomes = w.stage.parts.store.outcomes(w.stage.tenant(), record.class.unwrap().key()).await.unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.auto).count(), 1, "{moment:?}");
    assert_eq!(w.repeats, moment != Moment::Never, "{moment:?}: it died once");
    w.finish_after_failures().await;
    fate.effects()
}

/// Every second moment of the path, so that two tests share the work.
async fn sweep(first: u64) {
    let effects = automate(Moment::Never).await;
    assert!((7..20).contains(&effects), "{effects} effects");
    for n in (first..=effects).step_by(2) {
        automate(Moment::Before(n)).await;
        automate(Moment::After(n)).await;
    }
}

#[tokio::test]
async fn tm102_it_ends_around_every_odd_effect() {
    sweep(1).await;
}

#[tokio::test]
async fn tm102_it_ends_around_every_even_effect() {
    sweep(2).await;
}

#[tokio::test]
async fn tm102_it_ends_after_every_turn() {
    let mut w = World::seasoned().await;
    let id = w.adopt(&image("web", "staging", "2.0")).await;
    let mut checked = false;
    loop {
        // The turn is written down, and its claim is never given back.
        let now = w.stage.clock.now();
        let Some(claim) = w.stage.parts.store.claim(now, LEASE - 1, "mortal").await.unwrap() else { break };
        let turn = w.stage.parts.engine().turn(&claim).await.unwrap();
        w = w.restart().await;
        w.advance(LEASE);
        if turn.record.standing.is_some() && turn.record.reported.is_some() && !checked {
            checked = true;
            w.ci().check(w.number(&id).await, "ci/build", Conclusion::Success, 15368).await.unwrap();
        }
        if turn.record.landed.is_some() {
            break;
        }
    }
    w.turns().await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    w.expect(&id, STORY).await;
    w.finish().await;
}

/// Lets another connection change the database behind the program's back.
async fn behind(w: &World, sql: &str) {
    use sqlx::Connection as _;
    let url = w.stage.parts.settings.database_url();
    let mut link = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut link).await.unwrap();
    link.close().await.unwrap();
}

async fn refuse(w: &World, table: &str, act: &str) {
    behind(w, &format!("CREATE TRIGGER full BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")).await;
}

const EFFECTS: [&str; 8] = ["push", "open", "set_body", "report", "comment", "merge", "close", "remove_branch"];

fn effects(w: &World) -> u64 {
    EFFECTS.iter().map(|effect| w.asked(effect)).sum()
}

#[tokio::test]
async fn tm103_a_database_that_refuses_the_first_intent() {
    for (table, act) in [("audit_leaf", "INSERT"), ("proposal", "UPDATE"), ("artifact", "INSERT")] {
        let w = World::start().await;
        let id = w.adopt(&image("web", "staging", "2.0")).await;
        refuse(&w, table, act).await;
        for _ in 0..3 {
            w.advance(60);
            w.turns().await;
        }
        assert_eq!(effects(&w), 0, "{table}: nothing reaches the forge");
        w.expect(&id, "received").await;
        let (attempts, error, _) = w.stage.parts.store.trouble(w.stage.tenant(), &id).await.unwrap().unwrap();
        assert!(attempts >= 2 && error.unwrap().starts_with("database: "), "{table}");
        behind(&w, "DROP TRIGGER full").await;
        w.later(600).await;
        w.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
        w.finish().await;
    }
}

#[tokio::test]
async fn tm103_a_database_that_refuses_the_merge_intent() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.ci().check(w.number(&id).await, "ci/build", Conclusion::Success, 15368).await.unwrap();
    w.stage.wake(&id).await.unwrap();
    // The report is one turn, the merge the next.
    assert!(w.stage.worker().step().await.unwrap());
    let before = effects(&w);
    refuse(&w, "audit_leaf", "INSERT").await;
    for _ in 0..5 {
        w.advance(120);
        w.turns().await;
    }
    assert_eq!((effects(&w), w.asked("merge")), (before, 0));
    behind(&w, "DROP TRIGGER full").await;
    w.later(900).await;
    assert!(w.story(&id).await.ends_with("every gate passes / merged / waits: soak"));
    assert_eq!(w.asked("merge"), 1);
    w.finish().await;
}

#[tokio::test]
async fn tm103_a_database_that_refuses_the_result() {
    // What happened at the forge is found again, and not done again.
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let url = w.stage.parts.settings.database_url();
    let fill = countersign::forge::local::FaultKind::meanwhile(move || {
        let url = url.clone();
        async move {
            use sqlx::Connection as _;
            let mut link = sqlx::SqliteConnection::connect(&url).await.unwrap();
            let sql = "CREATE TRIGGER full BEFORE INSERT ON audit_leaf BEGIN SELECT RAISE(ABORT, 'full'); END";
            sqlx::raw_sql(sql).execute(&mut link).await.unwrap();
        }
    });
    w.fault("merge", fill);
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with("every gate passes"));
    behind(&w, "DROP TRIGGER full").await;
    w.later(900).await;
    assert!(w.story(&id).await.ends_with("every gate passes / merged / waits: soak"));
    assert_eq!(w.asked("merge"), 1);
    w.finish().await;
}

/// What is signed or exported must outlast a loss of power; of a disk that refuses nothing is said.
#[tokio::test]
async fn nothing_is_handed_out_that_the_disk_does_not_have() {
    let w = World::start().await;
    let (store, tenant, signer) = (&w.stage.parts.store, w.stage.tenant(), &w.stage.parts.keys.log);
    let given = async || {
        let export = Export::begin(store, tenant).await.map(|_| ());
        let proof = letter(store, signer, tenant, Ask::Entry(0), None).await.map(|_| ());
        let kept = keep_checkpoint(store, signer, tenant, None, None).await.map(|_| ());
        [export, proof, kept]
    };
    assert!(given().await.iter().all(Result::is_ok));
    let database = w.stage.parts.settings.database_url();
    let wal = format!("{}-wal", database.strip_prefix("sqlite:").unwrap());
    let aside = format!("{wal}.aside");
    std::fs::rename(&wal, &aside).unwrap();
    // A name that leads in a circle cannot be opened.
    std::os::unix::fs::symlink(&wal, &wal).unwrap();
    for refused in given().await {
        let told = refused.expect_err("handed out").to_string();
        assert!(told.contains("the disk refused"), "{told}");
    }
    std::fs::remove_file(&wal).unwrap();
    std::fs::rename(&aside, &wal).unwrap();
    store.close().await;
}
