//! Sinks of a served deployment: a file of lines that is moved away, a hangup, what metrics and `doctor` say.

use crate::http::As;
use crate::run::{text, until};
use crate::site::{Site, set_image};
use serde_json::Value;
use std::path::Path;

fn indexes(path: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64().unwrap()).collect()
}

#[test]
fn a_file_gets_every_entry_also_when_it_is_moved_away_and_a_hangup_ends_nothing() {
    let site = Site::set();
    let listed =
        "[[tenant.sink]]\nname = \"lines\"\nkind = \"file\"\npath = \"log.jsonl\"\ncheckpoint_file = \"kept\"\n\n";
    site.change_settings("[[tenant.repository]]", &format!("{listed}[[tenant.repository]]"));
    let server = site.start();
    let (path, moved) = (site.path("log.jsonl"), site.path("log.jsonl.1"));
    until("the first entry", || (!indexes(&path).is_empty()).then_some(()));
    std::fs::rename(&path, &moved).unwrap();
    server.hang_up();
    let id = site.propose(&set_image("bump-web", "web", "1.1"));
    site.wait_for(&id, &["open"]);
    until("what followed", || (!indexes(&path).is_empty()).then_some(()));
    let metrics = site.ask("GET", "/metrics", As::Nobody, None).unwrap().body;
    assert!(metrics.contains("countersign_audit_sink_lag_entries{sink=\"lines\"} "), "{metrics}");
    let (code, log) = server.terminate();
    assert_eq!(code, 0, "{log}");
    let both = [indexes(&moved), indexes(&path)].concat();
    assert_eq!(both, (0..both.len() as u64).collect::<Vec<_>>());
    assert!(both.len() > 5, "{both:?}");
    let found = site.run(&["doctor", "--offline"]).json();
    let all = found["findings"].as_array().unwrap();
    let of = all.iter().find(|finding| finding["about"] == "tenant acme, sink lines").unwrap();
    let sentence = of["sentence"].as_str().unwrap();
    assert!(sentence.contains(&format!("entry {} is its next", both.len())), "{of}");
    // The export under the checkpoint that the sink kept outside of the database.
    let export = text(site.path("export"));
    site.run(&["audit", "export", &export, "--tenant", "acme"]).code(0);
    let (kept, key) = (text(site.path("kept")), format!("{export}/log.pem"));
    let strict = ["audit", "verify", &export, "--require", "checkpoint", "--checkpoint", &kept, "--key", &key];
    site.run(&strict).code(0);
}
