//! The fewest edits that make one value exactly another.
//!
//! Must not know what a value is for: maps are compared key by key, lists element by element.

use super::delete;
use crate::domain::change::{Edit, Op, Path, Step};
use serde_json::Value;

/// Makes what stands at a place exactly the wanted value.
// Recursion is bounded: the values come from documents whose depth was checked.
pub(super) fn edits(at: &[Step], live: Option<&Value>, wanted: &Value, out: &mut Vec<Edit>) {
    match (live, wanted) {
        (None, _) => out.push(edit(Op::Add, at, wanted)),
        (Some(live), _) if same(live, wanted) => {}
        (Some(Value::Object(live)), Value::Object(wanted)) if !wanted.is_empty() && !live.is_empty() => {
            for (key, value) in wanted {
                edits(&below(at, Step::Key(key.clone())), live.get(key), value, out);
            }
            // Deletes come last, so that a map never becomes empty on the way.
            let gone = live.keys().filter(|key| !wanted.contains_key(*key));
            out.extend(gone.map(|key| delete(Path(below(at, Step::Key(key.clone()))))));
        }
        (Some(Value::Array(live)), Value::Array(wanted)) if !wanted.is_empty() && !live.is_empty() => {
            list(at, live, wanted, out);
        }
        (Some(_), _) => out.push(edit(Op::Set, at, wanted)),
    }
}

/// Keeps the elements at both ends that are the same.
fn list(at: &[Step], live: &[Value], wanted: &[Value], out: &mut Vec<Edit>) {
    let head = live.iter().zip(wanted).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (&live[head..], &wanted[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let place = |n: usize| below(at, Step::Index(head + n));
    let both = old.len().min(new.len());
    for n in 0..both {
        edits(&place(n), Some(&old[n]), &new[n], out);
    }
    for (n, value) in new.iter().enumerate().skip(both) {
        // The rest of the old list stands behind what was put in so far.
        match tail {
            0 => out.push(edit(Op::Append, at, value)),
            _ => out.push(edit(Op::Add, &place(n), value)),
        }
    }
    out.extend((both..old.len()).rev().map(|n| delete(Path(place(n)))));
}

/// Whether two values are equal, numbers by what they say.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// An edit with a value.
pub(super) fn edit(op: Op, at: &[Step], value: &Value) -> Edit {
    Edit { op, path: Path(at.to_vec()), value: Some(value.clone()), expr: None, form: None }
}

/// A path with one step more.
pub(super) fn below(at: &[Step], step: Step) -> Vec<Step> {
    [at, &[step]].concat()
}
