//! Asks policies written in Rego, in a child process of this very program with limits and without anything else.
//!
//! Must not judge: no answer is handed on as none.

mod child;
mod scan;

pub use child::child;

use crate::domain::facts::{Answer, Fault, Policy};
use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The word that makes this program a child which evaluates.
pub const CHILD: &str = "evaluate-policies";
/// How long a child may take, start and end included.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes a child may answer.
const MOST_ANSWER: u64 = 1 << 20;
/// Answers that are remembered.
const REMEMBERED: usize = 4_096;

/// What a child is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    policies: Vec<Policy>,
    input: Value,
}

/// What one policy's package holds, or why there is nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Package(Value),
    Fault(Fault),
}

/// Asks policies, and remembers what they answered to the same question.
#[derive(Clone, Debug)]
pub struct Evaluator {
    /// The program that is run with the word for a child.
    pub program: PathBuf,
    answers: Arc<Mutex<BTreeMap<(Digest, Digest), Answer>>>,
}

impl Default for Evaluator {
    /// The program that is running now.
    fn default() -> Evaluator {
        Evaluator::with(std::env::current_exe().unwrap_or_else(|_| "countersign".into()))
    }
}

impl Evaluator {
    /// Runs this program as its child.
    pub fn with(program: PathBuf) -> Evaluator {
        Evaluator { program, answers: Arc::default() }
    }

    /// What these policies say of this document; a failure of any kind is an answer that does not pass.
    pub async fn ask(&self, policies: &[Policy], input: &Value) -> Answer {
        let mut answer = Answer::to(policies, input);
        let key = (answer.policies, answer.input);
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        match tokio::time::timeout(PATIENCE, self.run(policies, input)).await {
            Ok(Ok(said)) if said.len() == policies.len() => {
                for (policy, said) in policies.iter().zip(said) {
                    match said {
                        Said::Package(package) => answer.hear(&policy.name, &package),
                        Said::Fault(fault) => answer.fail(fault),
                    }
                }
            }
            Ok(Ok(_)) => answer.fail(Fault::new("error", "the evaluation answered for another number of policies")),
            Ok(Err(fault)) => answer.fail(fault),
            Err(_) => answer.fail(Fault::new("timeout", "the policies took too long")),
        }
        if !answer.is_transient() {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() >= REMEMBERED {
                answers.clear();
            }
            answers.insert(key, answer.clone());
        }
        answer
    }

    async fn run(&self, policies: &[Policy], input: &Value) -> Result<Vec<Said>, Fault> {
        let unavailable = |what: &str, error: std::io::Error| Fault::new("unavailable", format!("{what}: {error}"));
        let question = Question { policies: policies.to_vec(), input: input.clone() };
        let question = serde_json::to_vec(&question).map_err(|error| Fault::new("error", error.to_string()))?;
        let mut child = tokio::process::Command::new(&self.program)
            .arg(CHILD)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unavailable("the policies cannot be evaluated", error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(Fault::new("unavailable", "the policies cannot be evaluated: no pipe"));
        };
        let ask = async move {
            // A child that dies early closes its end: what it came to is said by its exit.
            let _ = stdin.write_all(&question).await;
            let _ = stdin.shutdown().await;
        };
        let mut bytes = Vec::new();
        let mut stdout = stdout.take(MOST_ANSWER);
        let (_, read) = tokio::join!(ask, stdout.read_to_end(&mut bytes));
        read.map_err(|error| unavailable("the answer of the policies cannot be read", error))?;
        let status = child.wait().await.map_err(|error| unavailable("the evaluation cannot be waited for", error))?;
        if !status.success() {
            return Err(Fault::new("error", format!("the evaluation ended with {status}: it reached a limit")));
        }
        serde_json::from_slice(&bytes).map_err(|error| Fault::new("error", format!("no answer to read: {error}")))
    }
}
