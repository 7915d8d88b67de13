//! The child process: takes limits upon itself, reads policies and a document, writes what each package holds.
//!
//! Must not reach the network, a file or the clock: functions that do are not compiled in, or are compile errors.

use super::{Question, Said, scan};
use crate::domain::facts::{Fault, MAX_POLICY, Policy};
use regorus::utils::limits::ExecutionTimerConfig;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU32;
use std::time::Duration;

/// The only package that is asked.
const PACKAGE: &str = "data.countersign";
/// Bytes of memory, seconds of a processor, and seconds of one policy.
const MEMORY: u64 = 1 << 30;
const PROCESSOR: u64 = 4;
const LIMIT: Duration = Duration::from_secs(2);
/// The most bytes of a question.
const MOST_QUESTION: u64 = 16 << 20;

/// Answers one question from standard input on standard output; true when it did.
pub fn child() -> bool {
    if !limited() {
        return false;
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MOST_QUESTION).read_to_end(&mut bytes);
    let question = read.ok().and_then(|_| serde_json::from_slice::<Question>(&bytes).ok());
    let Some(question) = question else { return false };
    let said: Vec<Said> = question.policies.iter().map(|policy| evaluate(policy, &question.input)).collect();
    let Ok(answer) = serde_json::to_vec(&said) else { return false };
    let mut out = std::io::stdout().lock();
    out.write_all(&answer).and_then(|()| out.flush()).is_ok()
}

/// Limits that nothing after this can lift.
fn limited() -> bool {
    let limit = |resource, most: u64| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).is_ok();
    // No file is made or written, and no more are opened than those that stand.
    limit(Resource::As, MEMORY)
        && limit(Resource::Cpu, PROCESSOR)
        && limit(Resource::Core, 0)
        && limit(Resource::Nproc, 0)
        && limit(Resource::Nofile, 3)
}

/// What one policy, by itself, says.
fn evaluate(policy: &Policy, input: &Value) -> Said {
    match answer(policy, input) {
        Ok(package) => Said::Package(package),
        Err(fault) => Said::Fault(fault),
    }
}

fn answer(policy: &Policy, input: &Value) -> Result<Value, Fault> {
    let fault = |code: &str, why: &dyn std::fmt::Display| Fault::new(code, format!("{}: {why}", policy.name));
    if policy.text.len() > MAX_POLICY {
        return Err(fault("compile", &format!("a policy may have {MAX_POLICY} bytes")));
    }
    if let Err(why) = scan::check(&policy.text) {
        return Err(fault("compile", &why));
    }
    let mut engine = regorus::Engine::new();
    engine.set_execution_timer_config(ExecutionTimerConfig { limit: LIMIT, check_interval: NonZeroU32::MIN });
    engine.set_strict_builtin_errors(true);
    let package =
        engine.add_policy(policy.name.clone(), policy.text.clone()).map_err(|error| fault("compile", &error))?;
    if package != PACKAGE {
        return Err(fault("compile", &format!("its package is `{package}`: write `package countersign`")));
    }
    engine.set_input_json(&input.to_string()).map_err(|error| fault("error", &error))?;
    let found = engine.eval_query(PACKAGE.to_owned(), false).map_err(|error| {
        let code = if error.to_string().contains("time limit") { "timeout" } else { "error" };
        fault(code, &error)
    })?;
    let value = found.result.first().and_then(|result| result.expressions.first()).map(|it| &it.value);
    let Some(value) = value else { return Err(fault("undefined", &"the package is undefined")) };
    serde_json::to_value(value).map_err(|error| fault("error", &error))
}
