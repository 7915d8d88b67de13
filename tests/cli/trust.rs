//! `trust simulate` and `trust backtest` offline: exact answers, and errors that name the line.

use crate::run::{binary, countersign, finish};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Ten targets changed every day for `days` days, merged at eight and known three days later; `bad` names the failures.
fn outcomes(days: u32, bad: &[u32]) -> String {
    let mut lines = String::new();
    for n in 0..days * 10 {
        let (merged, known) = (1 + n / 10, 4 + n / 10);
        let result = if bad.contains(&n) { "bad" } else { "good" };
        let line = json!({
            "class": "images", "target": format!("app-{}", n % 10), "result": result,
            "merged": format!("2026-01-{merged:02}T08:00:00Z"), "at": format!("2026-01-{known:02}T08:{:02}:00Z", n % 10),
        });
        writeln!(lines, "{line}").unwrap();
    }
    lines
}

fn backtest(lines: &str, arguments: &str) -> crate::run::Ran {
    let mut command = binary();
    command.args(["trust", "backtest", "--outcomes", "-"]).args(arguments.split_whitespace());
    finish(command, lines.as_bytes().to_vec())
}

fn replay(lines: &str, arguments: &str) -> Value {
    let told = backtest(lines, &format!("{arguments} --output json")).code(0).json();
    told["classes"][0]["runs"][0]["replay"].clone()
}

#[test]
fn s7_simulate_shows_both_rates_with_their_errors() {
    let told = countersign("trust simulate --paths 400 --looks 1000 --output json".split(' ')).code(0).json();
    let result = &told["result"];
    let rate = |name: &str| result[name].as_f64().unwrap();
    assert!(rate("wilson_alone") > rate("both") && rate("both") < 0.08, "{told}");
    let error = (rate("both") * (1.0 - rate("both")) / 400.0).sqrt();
    assert!((rate("both_error") - error).abs() < 1e-12, "{told}");
    assert_eq!(told["simulation"], json!({"rate": 0.95, "paths": 400, "looks": 1000, "threshold": "0.95", "seed": 1}));
    let words = countersign("trust simulate --paths 50 --looks 80 --rate 1".split(' ')).code(0).out;
    assert_eq!(words.matches("100.00 %").count(), 2, "{words}");
    countersign("trust simulate --rate 1.5".split(' ')).fails_with(&["rate 1.5"]);
    countersign("trust simulate --threshold 0.7".split(' ')).fails_with(&["0.80"]);
}

#[test]
fn backtest_says_when_a_class_would_have_unlocked() {
    let clean = outcomes(20, &[]);
    let strict = replay(&clean, "--threshold 0.95");
    // 70 are known before the day on which the 73rd is; the changes of the day after that are the first.
    assert_eq!(strict["unlockedAt"], "2026-01-12T08:00:00Z", "{strict}");
    assert_eq!((strict["unlockedAfter"].as_u64(), strict["failures"].as_u64()), (Some(80), Some(0)), "{strict}");
    let loose = replay(&clean, "--threshold 0.80");
    assert_eq!(loose["unlockedAfter"].as_u64(), Some(50), "five distinct days come later than 17 outcomes: {loose}");
    assert!(loose["unlockedAt"].as_str() < strict["unlockedAt"].as_str());
    assert!(loose["unattended"].as_u64() >= strict["unattended"].as_u64(), "the cap on what is in flight evens it out");
    let never = replay(&clean, "--threshold 0.99");
    assert_eq!((never["unlockedAt"].clone(), never["unattended"].as_u64()), (Value::Null, Some(0)));
    let words = backtest(&clean, "").code(0).out;
    assert!(words.starts_with("images, 200 outcomes\n") && words.contains("never enough"), "{words}");
    assert_eq!(words.lines().count(), 6, "{words}");
}

#[test]
fn backtest_counts_what_would_have_gone_wrong() {
    let every: Vec<u32> = (120..200).collect();
    let found = replay(&outcomes(20, &every), "--threshold 0.95");
    let (unattended, failures) = (found["unattended"].as_u64().unwrap(), found["failures"].as_u64().unwrap());
    assert!((1..=8).contains(&failures) && failures < unattended, "what is in flight fails, nothing more: {found}");
    assert_eq!((found["demotions"].as_u64(), found["earnedAtTheEnd"].as_bool()), (Some(1), Some(false)), "{found}");
}

#[test]
fn backtest_names_the_line_that_is_no_outcome() {
    let good = outcomes(1, &[]);
    for (line, words) in [
        ("{}", "target"),
        ("nonsense", "line 11"),
        (r#"{"target": "a", "at": "yesterday", "result": "good"}"#, "yesterday"),
        (r#"{"target": "a", "at": "2026-01-01T00:00:00Z", "result": "great"}"#, "great"),
        (r#"{"target": "a", "at": "2026-01-01T00:00:00Z", "result": "good", "by": "me"}"#, "by"),
    ] {
        backtest(&format!("{good}{line}\n"), "").fails_with(&["line 11", words]);
    }
    backtest("", "").fails_with(&["no outcome"]);
    backtest(&good, "--within soon").fails_with(&["soon"]);
}
