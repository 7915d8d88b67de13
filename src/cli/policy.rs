//! `policy test`: asks a policy with documents of one's own and compares what it says with what was expected.
//!
//! Must not evaluate in this process: it asks a child, as the service does.

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json, read_input};
use crate::domain::facts::{Answer, Policy};
use crate::domain::policy::rego;
use crate::engine::rego::Evaluator;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Asks a policy with every case of a file; exit code 3 when one says something else than it should.
    Test {
        /// The policy, package countersign.
        file: PathBuf,
        /// A YAML list of `{name, input, deny?, approvals?, fault?}`; each input is laid over the first one's.
        #[arg(long, value_name = "FILE")]
        cases: PathBuf,
    },
}

/// One case: the document, and what the policy should say of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    input: Value,
    /// Parts of sentences, one for each denial, in any order.
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    approvals: u32,
    /// The code of the fault, where there should be one.
    #[serde(default)]
    fault: Option<String>,
}

pub(super) async fn policy(args: &PolicyArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let PolicyCommand::Test { file, cases } = &args.command;
    let text = String::from_utf8(read_input(file)?).with_context(|| format!("{} is not UTF-8", file.display()))?;
    let name = file.file_name().map_or("policy".into(), |name| name.to_string_lossy().into_owned());
    let policies = [Policy { name, text }];
    let listed: Vec<Case> = serde_yaml::from_slice(&read_input(cases)?)
        .with_context(|| format!("{} is not a list of cases", cases.display()))?;
    anyhow::ensure!(!listed.is_empty(), "{} holds no case", cases.display());
    let (evaluator, mut input, mut bad, mut rows) = (Evaluator::default(), json!({"version": 1}), 0, Vec::new());
    for case in listed {
        lay(&mut input, &case.input, rows.is_empty());
        let mut document = input.clone();
        lay(&mut document, &case.input, true);
        let answer = evaluator.ask(&policies, &document).await;
        let fault = differs(&case, &answer);
        bad += usize::from(fault.is_some());
        if output == Output::Text {
            let (ink, word) = if fault.is_some() { (Ink::Bad, "bad ") } else { (Ink::Good, "good") };
            let said = rego::verdict(&answer).sentence.replace(char::is_control, " ");
            let why = fault.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            writeln!(out, "{} {}: {said}; {} approvals{why}", paint(wanted(), ink, word), case.name, answer.approvals)?;
        }
        rows.push(json!({"name": case.name, "good": fault.is_none(), "why": fault, "answer": answer}));
    }
    if output == Output::Json {
        print_json(out, &json!({"good": bad == 0, "cases": rows}))?;
    }
    Ok(if bad == 0 { Status::Done } else { Status::Refused })
}

/// Lays a document over another, maps key by key; nothing unless it is wanted.
fn lay(under: &mut Value, over: &Value, wanted: bool) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if wanted => {
            for (key, value) in over {
                match under.get_mut(key) {
                    Some(below) if below.is_object() => lay(below, value, true),
                    Some(_) | None => drop(under.insert(key.clone(), value.clone())),
                }
            }
        }
        (under, over) if wanted && !over.is_null() => *under = over.clone(),
        _ => {}
    }
}

/// What is not as it should be.
fn differs(case: &Case, answer: &Answer) -> Option<String> {
    let found = answer.fault.as_ref().map(|fault| fault.code.clone());
    if found != case.fault {
        return Some(format!("expected fault {:?}, found {:?}", case.fault, answer.fault));
    }
    let missing = case.deny.iter().find(|part| !answer.deny.iter().any(|said| said.contains(*part)));
    if missing.is_some() || answer.deny.len() != case.deny.len() {
        return Some(format!("expected denials {:?}, found {:?}", case.deny, answer.deny));
    }
    (answer.approvals != case.approvals)
        .then(|| format!("expected {} approvals, found {}", case.approvals, answer.approvals))
}
