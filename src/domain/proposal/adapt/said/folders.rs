//! The folders of a repository that a tool's word is about.
//!
//! Must not leave the repository: a way that leads out of it is no folder of it.

/// Folders of a repository; none at all stands for the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders(Vec<String>);

impl Folders {
    /// One folder, as a tool writes it: `./apps/web/`; none where it leads out of the repository.
    pub fn one(path: &str) -> Option<Folders> {
        Some(Folders(vec![resolve("", path)?]))
    }

    /// The folder of an application with those that its manifests are made from: parted by `;`, from the repository's
    /// root where they begin with `/`, else from the application's folder. A glob stands for the folder before it.
    pub fn with(path: &str, others: &str) -> Option<Folders> {
        let own = resolve("", path)?;
        let mut all = vec![own.clone()];
        for other in others.split(';').map(str::trim).filter(|other| !other.is_empty()) {
            let plain = other.find(['*', '?', '[', '{']).map_or(other, |at| {
                let before = other.get(..at).unwrap_or_default();
                before.rfind('/').map_or("", |slash| before.get(..=slash).unwrap_or_default())
            });
            let found = match other.strip_prefix('/') {
                Some(_) => resolve("", plain)?,
                None => resolve(&own, plain)?,
            };
            all.push(found);
        }
        all.sort();
        all.dedup();
        Some(Folders(all))
    }

    /// Whether one of these files lies in one of them.
    pub fn hold<'a>(&self, mut files: impl Iterator<Item = &'a str>) -> bool {
        let inside = |file: &str, folder: &String| {
            folder.is_empty() || file.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.0.is_empty() || files.any(|file| self.0.iter().any(|folder| inside(file, folder)))
    }
}

/// A way from a folder, without `.` and `..`; none where it leads out of the repository.
fn resolve(from: &str, way: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in way.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
