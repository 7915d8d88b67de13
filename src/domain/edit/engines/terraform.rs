//! Knows where things live in Terraform files.
//!
//! Must not change bytes: it says which edits are meant.

use super::{Format, Steps, delete, need, read_path};
use crate::domain::change::{Edit, Op, Select, Terraform};
use crate::domain::edit::{Code, Files, Refusal, hcl};

pub(super) fn expand(files: &dyn Files, change: &Terraform) -> Result<Vec<Steps>, Refusal> {
    let file = change.file.as_str();
    let bytes = need(files, file)?;
    let select = match (&change.block, &change.select) {
        (Some(_), Some(_)) => return Err(Refusal::of(Code::Parse, "give either `block` or `select`").in_file(file)),
        (Some(address), None) => Some(Select::Block(hcl::address(address).map_err(|refusal| refusal.in_file(file))?)),
        (None, select) => select.clone(),
    };
    let mut edits = Vec::new();
    for (path, value) in &change.set {
        let path = read_path(file, path)?;
        let there = hcl::lookup(&bytes, select.as_ref(), &path).map_err(|refusal| refusal.in_file(file))?;
        let op = if there.is_some() { Op::Set } else { Op::Add };
        edits.push(Edit { op, path, value: Some(value.clone()), expr: None, form: None });
    }
    for path in &change.remove {
        edits.push(delete(read_path(file, path)?));
    }
    edits.extend_from_slice(&change.edits);
    Ok(vec![Steps { file: file.to_owned(), format: Format::Hcl, select, edits }])
}
