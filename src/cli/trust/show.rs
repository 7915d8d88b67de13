//! `trust show` and `trust rearm`: asks a running service about classes.
//!
//! Must not compute anything that the service said already.

use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::remote::{Server, refused};
use crate::cli::{Output, Status, print_json};
use crate::domain::trust::Standing;
use anyhow::Context as _;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// What the service says of a class.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    key: String,
    repository: String,
    environment: String,
    action_kind: String,
    tier: u8,
    demoted: bool,
    unlocked: bool,
    standing: Standing,
}

/// The path of a class; what is no key is no path.
fn path(class: &str) -> anyhow::Result<String> {
    let plain = (12..=64).contains(&class.len()) && class.chars().all(|c| c.is_ascii_hexdigit());
    anyhow::ensure!(
        plain,
        "`{class}` is not the key of a class: give 12 to 64 hex digits, as `trust show` prints them"
    );
    Ok(format!("/v1/trust/{}", class.to_ascii_lowercase()))
}

pub(super) async fn show(
    class: Option<&str>,
    server: &Server,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let path = class.map_or(Ok("/v1/trust".to_owned()), path)?;
    let answer = match server.ask(Method::GET, &path, None).await? {
        Ok(answer) => answer,
        Err(why) => return refused(&why, output, out),
    };
    if output == Output::Json {
        return print_json(out, &answer).map(|()| Status::Done);
    }
    if class.is_some() {
        line(&answer, out)?;
        return outcomes(&answer, out).map(|()| Status::Done);
    }
    let classes = answer.get("classes").and_then(Value::as_array).cloned().unwrap_or_default();
    if classes.is_empty() {
        writeln!(out, "no class yet: a class begins with the first proposal that is judged")?;
    }
    classes.iter().try_for_each(|class| line(class, out))?;
    Ok(Status::Done)
}

fn line(class: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let shown: Shown = serde_json::from_value(class.clone()).context("the service shows a class in another form")?;
    let (word, ink) = match (shown.demoted, shown.unlocked) {
        (true, _) => ("demoted", Ink::Bad),
        (false, true) => ("unlocked", Ink::Good),
        (false, false) => ("locked", Ink::Strong),
    };
    let environment = if shown.environment.is_empty() { "no environment" } else { &shown.environment };
    writeln!(
        out,
        "{} {} in {environment}, tier {}, {}  {}",
        paint(wanted(), ink, word),
        shown.action_kind,
        shown.tier,
        shown.repository,
        shown.key.get(..12).unwrap_or(&shown.key)
    )?;
    writeln!(out, "  {}", shown.standing.arithmetic())?;
    shown.standing.gaps.iter().try_for_each(|gap| writeln!(out, "  missing: {gap}"))?;
    Ok(())
}

fn outcomes(class: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    for outcome in class.get("outcomes").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| outcome.get(key).and_then(Value::as_str).unwrap_or("-");
        let auto =
            if outcome.get("auto").and_then(Value::as_bool) == Some(true) { "unattended" } else { "by a person" };
        writeln!(out, "  {}  {:7}  {auto}  {}", text("at"), text("result"), text("target"))?;
    }
    Ok(())
}

pub(super) async fn rearm(
    class: &str,
    reason: &str,
    server: &Server,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let body = json!({ "reason": reason }).to_string().into_bytes();
    let answer = match server.ask(Method::POST, &format!("{}/rearm", path(class)?), Some(body)).await? {
        Ok(answer) => answer,
        Err(why) => return refused(&why, output, out),
    };
    match output {
        Output::Json => print_json(out, &answer)?,
        Output::Text if answer.get("state").and_then(Value::as_str) == Some("asked") => {
            writeln!(out, "noted: after a severe failure another person has to ask as well")?
        }
        Output::Text => writeln!(out, "the demotion is lifted; the class still has to pass its gates")?,
    }
    Ok(Status::Done)
}
