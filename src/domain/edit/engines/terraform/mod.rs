//! Knows where things live in Terraform files.
//!
//! Must not change bytes: it says which edits are meant.

mod ground;
mod parents;
mod source;
#[cfg(test)]
mod tests;

use super::{Format, Steps, delete, put, read_path};
use crate::domain::change::{Edit, Op, Path, Step, Terraform};
use crate::domain::edit::hcl::{self, Standing};
use crate::domain::edit::{Code, Files, Refusal};
use ground::{Ground, Spot};
use serde_json::Value;

pub(super) fn expand(files: &dyn Files, change: &Terraform) -> Result<Vec<Steps>, Refusal> {
    let ground = Ground::open(files, change)?;
    let mut plan = Plan { ground: &ground, steps: Vec::new(), made: Vec::new() };
    plan.words(change)?;
    for (path, value) in &change.set {
        plan.put(&read_path(ground.name(), path)?, Wanted::Value(value.clone()))?;
    }
    for (path, text) in &change.expr {
        plan.put(&read_path(ground.name(), path)?, Wanted::Expression(text.clone()))?;
    }
    for path in &change.remove {
        plan.edit(delete(read_path(ground.name(), path)?))?;
    }
    change.edits.iter().try_for_each(|edit| plan.edit(edit.clone()))?;
    Ok(plan.steps)
}

/// What is to stand at a path.
#[derive(Clone)]
enum Wanted {
    Value(Value),
    Expression(String),
}

impl Wanted {
    fn edit(self, op: Op, path: Path) -> Edit {
        let (value, expr) = match self {
            Wanted::Value(value) => (Some(value), None),
            Wanted::Expression(text) => (None, Some(text)),
        };
        Edit { op, path, value, expr, form: None }
    }
}

/// The edits so far, by file and block.
struct Plan<'a> {
    ground: &'a Ground,
    steps: Vec<Steps>,
    /// The nested blocks that edits so far will have made.
    made: Vec<(String, Path)>,
}

impl Plan<'_> {
    fn words(&mut self, change: &Terraform) -> Result<(), Refusal> {
        let key = |name: &str| Path(vec![Step::Key(name.to_owned())]);
        if let Some(version) = &change.version {
            let spot = self.only("version", "module")?;
            source::check_version(spot.literal("source")?.as_deref()).map_err(|refusal| spot.blame(refusal))?;
            self.put(&key("version"), Wanted::Value(version.as_str().into()))?;
        }
        if let Some(reference) = &change.reference {
            let spot = self.only("ref", "module")?;
            let old = spot.literal("source")?;
            let new = source::with_reference(old.as_deref(), reference).map_err(|refusal| spot.blame(refusal))?;
            self.put(&key("source"), Wanted::Value(new.into()))?;
        }
        if let Some(value) = &change.default {
            self.only("default", "variable")?;
            self.put(&key("default"), Wanted::Value(value.clone()))?;
        }
        Ok(())
    }

    /// The one block of a kind that a word goes with.
    fn only(&self, word: &str, kind: &str) -> Result<Spot<'_>, Refusal> {
        let spot = self.ground.spot(&Path(Vec::new()))?;
        if spot.kind == Some(kind) {
            return Ok(spot);
        }
        let reason = format!("`{word}` goes with a `{kind}` block: name one with `block: {kind}.NAME`");
        Err(spot.blame(Refusal::of(Code::Parse, reason)))
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Refusal> {
        let spot = self.ground.spot(&edit.path)?;
        self.push(&spot, edit);
        Ok(())
    }

    fn push(&mut self, spot: &Spot<'_>, mut edit: Edit) {
        edit.path = spot.full(&edit.path);
        let same = |steps: &&mut Steps| steps.file == spot.file && steps.select == spot.select;
        match self.steps.iter_mut().rev().find(same) {
            Some(steps) => steps.edits.push(edit),
            None => self.steps.push(Steps {
                file: spot.file.to_owned(),
                format: spot.format,
                select: spot.select.clone(),
                edits: vec![edit],
            }),
        }
    }

    /// Sets what is there, adds what is not, and does nothing where it stands already.
    fn put(&mut self, path: &Path, wanted: Wanted) -> Result<(), Refusal> {
        let spot = self.ground.spot(path)?;
        if spot.format == Format::Yaml {
            return self.put_json(&spot, path, wanted);
        }
        let edit = wanted.clone().edit(Op::Set, spot.full(path));
        let standing = hcl::standing(spot.bytes, spot.select.as_ref(), &edit).map_err(|r| spot.blame(r))?;
        match standing {
            Standing::Same => {}
            Standing::Other => self.push(&spot, wanted.edit(Op::Set, path.clone())),
            Standing::Missing { keys, body } => {
                if body {
                    self.parent(&spot, path, &keys)?;
                }
                let mut edit = wanted.edit(Op::Add, path.clone());
                if body && keys.len() == 1 {
                    edit.form = parents::form(&spot, path, &edit);
                }
                self.push(&spot, edit);
            }
        }
        Ok(())
    }

    /// Makes the nested block that a path leads through, where Terraform wants a block there and it is missing.
    fn parent(&mut self, spot: &Spot<'_>, path: &Path, keys: &[String]) -> Result<(), Refusal> {
        let Some(place) = parents::block(spot, path, keys).map_err(|refusal| spot.blame(refusal))? else {
            return Ok(());
        };
        let made = (spot.file.to_owned(), place.clone());
        if !self.made.contains(&made) {
            self.made.push(made);
            self.push(spot, parents::empty(place));
        }
        Ok(())
    }

    fn put_json(&mut self, spot: &Spot<'_>, path: &Path, wanted: Wanted) -> Result<(), Refusal> {
        let value = match wanted {
            Wanted::Value(value) => value,
            Wanted::Expression(_) => {
                let reason = "an expression cannot be written into JSON; set a value";
                return Err(spot.blame(Refusal::of(Code::Parse, reason).at(path)));
            }
        };
        if spot.kind.is_some() && is_template(&value) {
            let reason =
                "Terraform reads strings of `.tf.json` as templates: one with `${` or `%{` is left to a person";
            return Err(spot.blame(Refusal::of(Code::Parse, reason).at(path)));
        }
        let found = put(spot.bytes, None, spot.full(path), value).map_err(|refusal| spot.blame(refusal))?;
        if let Some(mut edit) = found {
            edit.path = path.clone();
            self.push(spot, edit);
        }
        Ok(())
    }
}

/// Whether a value holds a string that Terraform would read as a template.
fn is_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${") || text.contains("%{"),
        Value::Array(list) => list.iter().any(is_template),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains("${") || is_template(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
