use super::*;
use crate::domain::audit::{Checkpoint, Manifest, Verifier, Want};

const FILE: &str = "[[tenant.sink]]\nname = \"lines\"\nkind = \"file\"\npath = \"log.jsonl\"\npayloads = true\n";

/// Verifies a file of lines as the export it is.
async fn verified(bench: &Bench, path: &Path, only: Option<Vec<String>>) -> u64 {
    let head = bench.store.head(&tenant("acme")).await.unwrap();
    let (origin, tenant, parts) = (head.origin, tenant("acme"), Vec::new());
    let manifest = Manifest { v: 1, origin, tenant, size: head.size, root: head.root, parts, only, pruned: None };
    let mut verifier = Verifier::new(manifest, Want::default()).unwrap();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        verifier.line(line).unwrap();
    }
    verifier.finish().unwrap().size
}

#[tokio::test]
async fn a_file_of_lines_verifies_as_an_export_and_grows() {
    let bench = Bench::new().await;
    bench.happen("acme", 450).await;
    bench.happen("rival", 3).await;
    let sinks = bench.sinks(FILE).await;
    assert_eq!(sinks.settle().await.unwrap(), 1);
    let path = bench.path("log.jsonl");
    assert_eq!(verified(&bench, &path, None).await, 451);
    assert_eq!(sinks.settle().await.unwrap(), 0, "nothing new");
    bench.happen("acme", 2).await;
    sinks.settle().await.unwrap();
    assert_eq!(verified(&bench, &path, None).await, 453);
    assert_eq!(bench.cursor("lines").await.lag(), 0);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("rival"), "an entry of another tenant");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn without_payloads_leaves_go_and_still_verify() {
    let bench = Bench::new().await;
    bench.happen("acme", 5).await;
    let sinks = bench.sinks(&FILE.replace("payloads = true\n", "")).await;
    sinks.settle().await.unwrap();
    let path = bench.path("log.jsonl");
    assert_eq!(verified(&bench, &path, Some(Vec::new())).await, 6);
    assert!(lines(&path).iter().all(|line| line["payload_b64"].is_null() && line["nonce"].is_null()));
}

#[tokio::test]
async fn what_was_redacted_meanwhile_does_not_leave() {
    let bench = Bench::new().await;
    bench.happen("acme", 3).await;
    bench
        .store
        .redact(&tenant("acme"), &[2], Event::note("redaction.applied", json!({})), 0, Time(BEGIN))
        .await
        .unwrap();
    bench.sinks(FILE).await.settle().await.unwrap();
    let lines = lines(&bench.path("log.jsonl"));
    assert_eq!((&lines[2]["payload_b64"], &lines[2]["redacted_by"]), (&Value::Null, &json!(4)));
    assert!(lines[1]["payload_b64"].is_string());
}

/// Another process wrote a batch and died before it wrote that down; the one after it finds every entry once.
#[tokio::test]
async fn what_was_written_before_a_crash_is_not_written_twice() {
    let bench = Bench::new().await;
    bench.happen("acme", 9).await;
    bench.sinks(FILE).await.settle().await.unwrap();
    let path = bench.path("log.jsonl");
    for (name, broken) in [("two", ""), ("three", "{\"index\":10,\"leaf_b")] {
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{broken}")).unwrap();
        // A cursor of another name begins at 0, as one does that was not moved.
        let sinks = bench.sinks(&FILE.replace("lines", name)).await;
        bench.happen("acme", 1).await;
        sinks.settle().await.unwrap();
        assert_eq!(bench.cursor(name).await.lag(), 0);
    }
    assert_eq!(indexes(&path), (0..12).collect::<Vec<u64>>());
    assert_eq!(verified(&bench, &path, None).await, 12);
}

#[tokio::test]
async fn a_file_that_is_moved_away_emptied_or_full_is_followed() {
    let bench = Bench::new().await;
    let sinks = bench.sinks(&format!("{FILE}rotate_mib = 1\n")).await;
    bench.happen("acme", 3).await;
    sinks.settle().await.unwrap();
    let (path, moved) = (bench.path("log.jsonl"), bench.path("moved"));
    std::fs::rename(&path, &moved).unwrap();
    bench.happen("acme", 2).await;
    sinks.settle().await.unwrap();
    assert_eq!((indexes(&moved), indexes(&path)), (vec![0, 1, 2, 3], vec![4, 5]));
    std::fs::write(&path, "").unwrap();
    bench.happen("acme", 1).await;
    sinks.settle().await.unwrap();
    assert_eq!(indexes(&path), [6]);
    let large = Event::note("large", json!({"text": "x".repeat(700_000)}));
    for _ in 0..2 {
        bench.store.append(&tenant("acme"), std::slice::from_ref(&large), Time(BEGIN)).await.unwrap();
        sinks.settle().await.unwrap();
    }
    assert_eq!((indexes(&bench.path("log.jsonl.000000000008")), indexes(&path)), (vec![6, 7], vec![8]));
}

#[tokio::test]
async fn a_file_of_another_history_stops_the_sink_and_says_so() {
    let bench = Bench::new().await;
    bench.happen("acme", 5).await;
    bench.sinks(FILE).await.settle().await.unwrap();
    // The same log begun anew, as after a backup was put back.
    let anew = Bench::new().await;
    anew.happen("acme", 2).await;
    std::fs::copy(bench.path("log.jsonl"), anew.path("log.jsonl")).unwrap();
    let sinks = anew.sinks(FILE).await;
    sinks.settle().await.unwrap();
    let cursor = anew.cursor("lines").await;
    assert!(cursor.error.as_deref().unwrap().contains("holds entry 5"), "{cursor:?}");
    assert_eq!((cursor.next, cursor.attempts), (0, 1));
    std::fs::write(anew.path("log.jsonl"), "notes of mine\n").unwrap();
    anew.wait(3_600);
    sinks.settle().await.unwrap();
    assert!(anew.cursor("lines").await.error.unwrap().contains("no entry of a log"));
    assert_eq!(std::fs::read_to_string(anew.path("log.jsonl")).unwrap(), "notes of mine\n");
    std::fs::remove_file(anew.path("log.jsonl")).unwrap();
    anew.wait(3_600);
    sinks.settle().await.unwrap();
    assert_eq!(indexes(&anew.path("log.jsonl")), [0, 1, 2]);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_costs_time_and_nothing_else() {
    let bench = Bench::new().await;
    bench.happen("acme", 2).await;
    let sinks = bench.sinks(&FILE.replace("log.jsonl", "not-there/log.jsonl")).await;
    for _ in 0..5 {
        sinks.settle().await.unwrap();
        bench.happen("acme", 1).await;
        bench.wait(3_600);
    }
    let cursor = bench.cursor("lines").await;
    assert_eq!((cursor.attempts, cursor.next, cursor.lag()), (5, 0, 8));
    std::fs::create_dir(bench.path("not-there")).unwrap();
    sinks.settle().await.unwrap();
    assert_eq!(verified(&bench, &bench.path("not-there/log.jsonl"), None).await, 8);
}

/// The database is set back behind the back of the sink; the checkpoint beside the file is not.
#[tokio::test]
async fn l7_a_kept_checkpoint_stops_a_sink_whose_database_was_set_back() {
    let bench = Bench::new().await;
    let listed = format!("{FILE}checkpoint_file = \"kept\"\n");
    bench.happen("acme", 5).await;
    let sinks = bench.sinks(&listed).await;
    sinks.settle().await.unwrap();
    let kept = || std::fs::read_to_string(bench.path("kept")).unwrap();
    let opened = Checkpoint::open(&kept(), &bench.signer.public()).unwrap();
    let head = bench.store.head(&tenant("acme")).await.unwrap();
    assert_eq!((opened.size, opened.root, opened.origin), (head.size, head.root, head.origin));
    bench.happen("acme", 3).await;
    sinks.settle().await.unwrap();
    assert_eq!(Checkpoint::open(&kept(), &bench.signer.public()).unwrap().size, 9);
    for (count, wanted) in [(2, "the database was set back"), (20, "written anew")] {
        let anew = Bench::new().await;
        anew.happen("acme", count).await;
        std::fs::write(anew.path("kept"), kept()).unwrap();
        anew.sinks(&listed).await.settle().await.unwrap();
        let cursor = anew.cursor("lines").await;
        assert!(cursor.error.as_deref().unwrap_or_default().contains(wanted), "{cursor:?}");
        assert_eq!(std::fs::read_to_string(anew.path("kept")).unwrap(), kept(), "what was kept stays");
    }
}

#[tokio::test]
async fn settings_of_sinks_are_checked() {
    let bench = Bench::new().await;
    let of = |listed: &str| format!("[[tenant]]\nid = \"acme\"\n{listed}");
    let push = "[[tenant.sink]]\nname = \"x\"\nkind = \"loki\"\nurl = \"https://loki.example/loki/api/v1/push\"\n";
    for (listed, wanted) in [
        (of(&format!("{FILE}{FILE}")), "stands twice"),
        (of(&FILE.replace("lines", "Lines")), "1 to 40 lowercase"),
        (of(&FILE.replace("path = \"log.jsonl\"\n", "")), "needs path"),
        (of(&format!("{FILE}url = \"https://x.example\"\n")), "not for a file"),
        (of(&format!("{FILE}rotate_mib = 0\n")), "write 1 to"),
        (of(&format!("{push}path = \"x\"\n")), "are for a file"),
        (of(&push.replace("https://loki.example/", "http://169.254.169.254/")), "metadata"),
        (of(&push.replace("https", "http")), "write https"),
        (of(&push.replace("https://", "https://user:secret@")), "out of the address"),
        (of(&format!("{push}user = \"7\"\n")), "needs token_file"),
        (of(&format!("{push}org = \"a\\nb\"\n")), "letters, digits and marks"),
        (of(&push.replace("loki", "syslog")), "unknown variant"),
        (format!("{}{}", of(FILE), of(FILE).replace("acme", "rival")), "belongs to sink `lines` of tenant `acme`"),
    ] {
        let error = format!("{:#}", bench.sinks_of(&listed).await.err().expect(wanted));
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}
