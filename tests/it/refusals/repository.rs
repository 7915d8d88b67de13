//! On real bare repositories: links, submodules, sizes, and what changed since.

use super::{changes, is_refused, set};
use crate::documents::{image, overlay};
use crate::world::World;
use countersign::domain::change::Change;
use countersign::domain::edit::{Applied, Code, Refusal, apply};
use countersign::domain::ids::Oid;
use countersign::engine::TreeFiles;
use countersign::git::Mirror;
use serde_json::json;
use tempfile::TempDir;

const FILE: i32 = 0o100_644;
const LINK: i32 = 0o120_000;
const FOLDER: i32 = 0o040_000;
const SUBMODULE: i32 = 0o160_000;

/// A bare repository that holds objects no ordinary client would write.
struct Bare {
    folder: TempDir,
    git: git2::Repository,
}

impl Bare {
    fn new() -> Bare {
        let folder = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(folder.path()).unwrap();
        Bare { folder, git }
    }

    fn blob(&self, bytes: &[u8]) -> git2::Oid {
        self.git.blob(bytes).unwrap()
    }

    fn tree(&self, entries: &[(&str, i32, git2::Oid)]) -> git2::Oid {
        let mut builder = self.git.treebuilder(None).unwrap();
        for (name, mode, id) in entries {
            builder.insert(name, *id, *mode).unwrap();
        }
        builder.write().unwrap()
    }

    fn apply(&self, tree: git2::Oid, changes: &[Change]) -> Result<Applied, Refusal> {
        let mirror = Mirror::existing(self.folder.path()).unwrap();
        let who = git2::Signature::now("dana", "dana@example.com").unwrap();
        let tree = self.git.find_tree(tree).unwrap();
        let commit = self.git.commit(None, &who, &who, "files", &tree, &[]).unwrap();
        let commit: Oid = commit.to_string().parse().unwrap();
        apply(&TreeFiles::new(&mirror, &commit).unwrap(), changes)
    }
}

fn values(file: &str) -> Vec<Change> {
    changes(json!([{"helm": {"values": file, "set": {"a": 2}}}]))
}

#[test]
fn tm64_a_file_that_is_a_symlink() {
    let bare = Bare::new();
    let real = bare.blob(b"a: 1\n");
    let link = bare.blob(b"real.yaml");
    let outside = bare.blob(b"/etc/passwd");
    let tree = bare.tree(&[("real.yaml", FILE, real), ("link.yaml", LINK, link), ("out.yaml", LINK, outside)]);
    assert_eq!(bare.apply(tree, &values("real.yaml")).unwrap().files.len(), 1, "the file itself can be edited");
    is_refused(bare.apply(tree, &values("link.yaml")), Code::Link, "symbolic link");
    is_refused(bare.apply(tree, &values("out.yaml")), Code::Link, "symbolic link");
}

#[test]
fn tm65_a_folder_that_is_a_symlink() {
    let bare = Bare::new();
    let inner = bare.tree(&[("v.yaml", FILE, bare.blob(b"a: 1\n"))]);
    let tree = bare.tree(&[("real", FOLDER, inner), ("link", LINK, bare.blob(b"real"))]);
    assert_eq!(bare.apply(tree, &values("real/v.yaml")).unwrap().files.len(), 1);
    is_refused(bare.apply(tree, &values("link/v.yaml")), Code::Link, "`link`");
    is_refused(bare.apply(tree, &values("link/deeper/v.yaml")), Code::Link, "`link`");
}

#[test]
fn tm66_a_submodule() {
    let bare = Bare::new();
    let elsewhere = git2::Oid::from_str("1111111111111111111111111111111111111111").unwrap();
    let tree = bare.tree(&[("charts", SUBMODULE, elsewhere)]);
    is_refused(bare.apply(tree, &values("charts")), Code::Link, "submodule");
    is_refused(bare.apply(tree, &values("charts/v.yaml")), Code::Link, "submodule");
}

#[test]
fn tm71_what_is_too_large_is_not_read_and_others_go_on() {
    let bare = Bare::new();
    // 200 MiB that git packs into 200 KiB.
    let bomb = bare.blob(&vec![b'#'; 200 << 20]);
    let tree = bare.tree(&[("v.yaml", FILE, bomb), ("other.yaml", FILE, bare.blob(b"a: 1\n"))]);
    is_refused(bare.apply(tree, &values("v.yaml")), Code::TooLarge, "209715200 bytes");
    assert_eq!(bare.apply(tree, &values("other.yaml")).unwrap().files.len(), 1, "its neighbour is not concerned");

    let mut builder = bare.git.packbuilder().unwrap();
    builder.insert_object(bomb, Some("v.yaml")).unwrap();
    builder.write(&bare.folder.path().join("objects/pack"), 0).unwrap();
    let (head, tail) = (bomb.to_string()[..2].to_owned(), bomb.to_string()[2..].to_owned());
    std::fs::remove_file(bare.folder.path().join("objects").join(head).join(tail)).unwrap();
    is_refused(bare.apply(tree, &values("v.yaml")), Code::TooLarge, "209715200 bytes");

    let file = bare.blob(b"a: 1\n");
    let mut entries = Vec::new();
    for n in 0..1_000_000 {
        entries.extend_from_slice(format!("100644 f{n:07}\0").as_bytes());
        entries.extend_from_slice(file.as_bytes());
    }
    let wide = bare.git.odb().unwrap().write(git2::ObjectType::Tree, &entries).unwrap();
    is_refused(bare.apply(wide, &values("f0000001")), Code::TooLarge, "a folder");
    let tree = bare.tree(&[("wide", FOLDER, wide), ("v.yaml", FILE, file)]);
    is_refused(bare.apply(tree, &values("wide/f0000001")), Code::TooLarge, "a folder");
    assert_eq!(bare.apply(tree, &values("v.yaml")).unwrap().files.len(), 1, "its neighbour is not concerned");
    is_refused(set("#".repeat((8 << 20) + 1), "a", json!(1)), Code::TooLarge, "8 MiB");
}

#[tokio::test]
async fn tm76_the_file_has_changed_since() {
    let w = World::start().await;
    let id = w.propose(&image("web", "production", "2.0")).await;
    let path = overlay("web", "production");
    w.check_passes(&id).await;
    w.commits(&path, Some("resources: [../base]\nimages: {}\n")).await;
    w.settle().await;
    let story = w.story(&id).await;
    assert!(story.contains("left to people: base_conflict"), "{story}");
    let record = w.record(&id).await;
    assert_eq!((record.stage.name(), record.auto), ("open", false));
    assert_eq!(w.file(&path).await.unwrap(), "resources: [../base]\nimages: {}\n", "nothing was written");
    w.finish().await;
}
