//! The pull request that suggests `automate` for a class.
//!
//! Must not carry an attestation, nor anything that could be taken for one.

use super::body::{RenderError, render};
use super::neutral::{code, fence, line};
use crate::domain::trust::{Class, Standing};
use minijinja::context;

/// Its title and body.
pub fn graduation(
    class: &Class,
    standing: &Standing,
    path: &str,
    meaning: &[String],
) -> Result<(String, String), RenderError> {
    let title = line(&format!("countersign: {} may automate in {}", class.action_kind, class.environment), 200);
    let body = render(
        include_str!("../../templates/pr/graduation.md"),
        context! {
            kind => line(&class.action_kind, 80),
            environment => code(&class.environment, 80),
            tier => class.tier,
            path => code(path, 80),
            arithmetic => standing.arithmetic(),
            meaning => fence(&meaning.join("\n"), 10_000),
        },
    )?;
    Ok((title, body))
}
