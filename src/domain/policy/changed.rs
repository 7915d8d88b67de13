//! The single values that a file's edit makes different, texts opened.
//!
//! Must not judge them.

use super::leaves::{Leaf, between};
use super::texts;
use crate::domain::edit::{FileEdit, Touched, yaml};

/// Every value that differs: a whole block that was written at once is judged by what stands inside it.
pub(super) fn changed(file: &FileEdit, yaml: bool) -> Vec<Leaf> {
    let read = |bytes: &[u8]| yaml::documents(bytes).ok().filter(|_| yaml);
    match (read(&file.before), read(&file.after)) {
        (Some(before), Some(after)) => {
            let values = between(&before, &after).into_iter().flat_map(texts::opened);
            // What is taken back may be comments, which some tools read: no narrow kind does that.
            let comments = file.touched.iter().filter(|touched| touched.path == "#").map(from_source);
            values.chain(comments).collect()
        }
        _ => file.touched.iter().map(from_source).collect(),
    }
}

fn from_source(touched: &Touched) -> Leaf {
    let keys = touched.path.split(['.', '[', ']', '"']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let plain = |text: &Option<String>| text.as_deref().map(|text| text.trim().trim_matches(['"', '\'']).to_owned());
    Leaf { keys, path: touched.path.clone(), before: plain(&touched.before), after: plain(&touched.after) }
}
