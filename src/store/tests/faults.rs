use super::*;
use crate::store::db::{self, run};
use std::time::Duration;

/// A file and, when there is one, PostgreSQL, each opened with little patience.
async fn impatient(test: &str) -> Vec<(Place, Store)> {
    let mut found = Vec::new();
    for place in places(test).await {
        if let Some(url) = &place.url {
            let db = db::Db::open(url, Duration::from_millis(700)).await.expect("opens");
            found.push((place, Store::over(db, "countersign.local")));
        }
    }
    found
}

async fn state(store: &Store) -> (Head, Option<Stored>, Option<Time>) {
    let head = store.head(&acme()).await.expect("a head");
    (head, store.stored(&acme(), "0190-a").await.expect("reads"), store.next_due().await.expect("reads"))
}

#[tokio::test]
async fn tm103_a_locked_database_refuses_an_intent_and_changes_nothing() {
    for (place, store) in impatient("tm103a").await {
        let first = record(&acme(), "0190-a");
        received(&store, &first).await;
        let before = state(&store).await;
        let mut holder = place.store.db.write().await.expect("begins");
        crate::store::log::lock(&mut holder, &acme()).await.expect("locks");
        let refused = store.commit(&step(&first, Stage::Pushed), at(1)).await;
        assert!(matches!(refused, Err(StoreError::Busy)), "{}: {refused:?}", place.name);
        drop(holder);
        assert_eq!(state(&store).await, before, "{}", place.name);
        place.store.commit(&step(&first, Stage::Pushed), at(2)).await.expect("goes on");
    }
}

#[tokio::test]
async fn tm103_a_read_only_database_refuses_an_intent_and_changes_nothing() {
    for place in places("tm103b").await {
        let first = record(&acme(), "0190-a");
        received(&place.store, &first).await;
        let before = state(&place.store).await;
        let store = read_only(&place).await;
        let refused = store.commit(&step(&first, Stage::Pushed), at(1)).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{}: {refused:?}", place.name);
        assert!(matches!(store.claim(at(1), 30, "w").await, Err(StoreError::ReadOnly(_))));
        assert_eq!(state(&place.store).await, before, "{}", place.name);
    }
}

/// A handle whose writes the database refuses.
async fn read_only(place: &Place) -> Store {
    match &place.store.db {
        db::Db::Sqlite { writer, .. } => {
            sqlx::query("PRAGMA query_only = on").execute(writer).await.expect("sets");
            place.store.clone()
        }
        db::Db::Postgres(_) => {
            let url = format!("{}%20-c%20default_transaction_read_only%3Don", place.url.as_deref().expect("a server"));
            let pool = sqlx::PgPool::connect(&url).await.expect("connects");
            Store::over(db::Db::Postgres(pool), "countersign.local")
        }
    }
}

#[tokio::test]
async fn l14_a_full_disk_refuses_an_intent_and_changes_nothing() {
    let place = places("l14").await.into_iter().find(|place| place.name == "file").expect("a file");
    let first = record(&acme(), "0190-a");
    received(&place.store, &first).await;
    let before = state(&place.store).await;
    let db::Db::Sqlite { writer, .. } = &place.store.db else { return };
    sqlx::query("PRAGMA max_page_count = 1").execute(writer).await.expect("sets");
    let mut transition = step(&first, Stage::Pushed);
    transition.artifacts = vec![("diff", vec![7; 1 << 20])];
    let refused = place.store.commit(&transition, at(1)).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    assert_eq!(state(&place.store).await, before);
    sqlx::query("PRAGMA max_page_count = 1000000").execute(writer).await.expect("sets");
    place.store.commit(&transition, at(2)).await.expect("goes on");
    assert_eq!(proven(&place.store, &acme()).await, 3);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    for place in places("newer").await {
        let Some(url) = &place.url else { continue };
        let mut tx = place.store.db.write().await.expect("begins");
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                   VALUES (9999, 'later', TRUE, $1, 0)";
        run!(&mut tx, sql, b"x".as_slice()).expect("inserts");
        tx.commit().await.expect("commits");
        let refused = Store::open(url, "countersign.local").await.expect_err("newer");
        assert!(
            matches!(refused, StoreError::NewerSchema { found: 9999, known: 1..9999 }),
            "{}: {refused:?}",
            place.name
        );
        assert!(refused.to_string().contains("start the newer version"), "{refused}");
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_opened_say_why() {
    let open = async |url: &str| Store::open(url, "i").await.expect_err("no database");
    assert!(matches!(open("mysql://x").await, StoreError::Invalid(_)));
    assert!(matches!(open("sqlite:/nowhere/at/all/x.db").await, StoreError::Unreachable(_)));
    let refused = open("postgres://cs@127.0.0.1:1/none").await;
    assert!(matches!(refused, StoreError::Unreachable(_) | StoreError::Busy), "{refused:?}");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("text.db");
    std::fs::write(&path, "this is no database ".repeat(300)).expect("writes");
    assert!(matches!(open(&format!("sqlite:{}", path.display())).await, StoreError::Unreachable(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_start_on_an_empty_file() {
    for _ in 0..12 {
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}/x.db", dir.path().display());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            tasks.spawn(async move {
                let store = Store::open(&url, "i").await?;
                store.ensure_tenant(&acme(), at(0), [1; 32]).await
            });
        }
        let made: Vec<bool> = tasks.join_all().await.into_iter().map(|made| made.expect("opens")).collect();
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    for place in places("restart").await {
        let Some(url) = &place.url else { continue };
        driven(&place.store, &record(&acme(), "0190-a"), Stage::Open).await;
        let before = state(&place.store).await;
        place.store.close().await;
        let store = Store::open(url, "countersign.local").await.expect("opens");
        store.ping().await.expect("answers");
        assert_eq!(state(&store).await, before, "{}", place.name);
        store.append(&acme(), &[note("restarted")], at(9)).await.expect("appends");
        assert_eq!(proven(&store, &acme()).await, 5);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_readable_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = places("private").await.into_iter().find(|place| place.name == "file").expect("a file");
    let path = place.url.as_deref().and_then(|url| url.strip_prefix("sqlite:")).expect("a path");
    for part in ["", "-wal"] {
        let mode = std::fs::metadata(format!("{path}{part}")).expect("is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{part} {mode:o}");
    }
}

/// The process that `l12` kills: appends until its end and says each index once it is durable.
#[tokio::test]
#[ignore = "run by l12_a_killed_writer_loses_nothing_it_said"]
async fn l12_writer() {
    let Ok(url) = std::env::var("COUNTERSIGN_TEST_L12") else { return };
    let store = Store::open(&url, "countersign.local").await.expect("opens");
    loop {
        let places = store.append(&acme(), &[note("written"), note("written")], at(1)).await.expect("appends");
        println!("durable {}", places[1].0);
    }
}

#[tokio::test]
async fn l12_a_killed_writer_loses_nothing_it_said() {
    use std::io::BufRead as _;
    for place in places("l12").await {
        let Some(url) = &place.url else { continue };
        let (_, module) = module_path!().split_once("::").expect("a module");
        let mut writer = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "--nocapture", &format!("{module}::l12_writer")])
            .env("COUNTERSIGN_TEST_L12", url)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = std::io::BufReader::new(writer.stdout.take().expect("its output")).lines();
        let durable = lines.map_while(|line| line.ok()).filter_map(|line| line.split_once("durable ")?.1.parse().ok());
        let said: u64 = durable.take(15).last().expect("it wrote");
        writer.kill().expect("is killed");
        writer.wait().expect("ends");
        let size = proven(&place.store, &acme()).await;
        assert!(size > said && size % 2 == 1, "{}: {size} leaves, {said} was said to be durable", place.name);
        place.store.append(&acme(), &[note("afterwards")], at(2)).await.expect("goes on");
        assert_eq!(proven(&place.again().await, &acme()).await, size + 1, "{}", place.name);
    }
}
