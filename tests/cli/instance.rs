//! What shows that a database was set back: the log over all tenants' logs, and checkpoints kept outside.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, text};
use countersign::domain::audit::{Checkpoint, Event};
use countersign::domain::ids::{TenantId, Time};
use countersign::store::Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A copy of the demo's data with a second tenant, and the settings to use it with.
struct Home {
    folder: TempDir,
    settings: String,
}

impl Home {
    fn new() -> Home {
        let folder = kept().copy();
        let settings = text(folder.path().join("settings.toml"));
        let listed = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, format!("{listed}\n[[tenant]]\nid = \"rival\"\n")).unwrap();
        let home = Home { folder, settings };
        home.audit(&["checkpoint", "--tenant", "rival"]).code(0);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn audit(&self, arguments: &[&str]) -> Ran {
        let all = [&["--output", "json", "--config", &self.settings, "audit"][..], arguments].concat();
        countersign(all)
    }

    fn database(&self) -> PathBuf {
        self.path("data/countersign.sqlite")
    }

    /// What the service does every ten minutes; how many logs were recorded.
    fn remember(&self, last: &mut BTreeMap<TenantId, u64>) -> usize {
        self.with(async |store| store.remember(last, [5; 32], Time(1_800_000_000_000_000)).await.unwrap())
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&Store) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listed = std::fs::read_to_string(&self.settings).unwrap();
        let instance = listed.split("instance = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        runtime.block_on(async {
            let store = Store::open(&format!("sqlite:{}", self.database().display()), &instance).await.unwrap();
            let done = work(&store).await;
            store.close().await;
            done
        })
    }

    fn grow(&self, tenant: &str, count: usize) {
        let tenant: TenantId = tenant.parse().unwrap();
        self.with(async |store| {
            let events = vec![Event::note("something.happened", json!({})); count];
            store.append(&tenant, &events, Time(1_800_000_000_000_000)).await.unwrap();
        });
    }

    fn key(&self) -> String {
        text(kept().home.join("export/log.pem"))
    }

    /// The database as a backup of it would be.
    fn saved(&self) -> Vec<u8> {
        std::fs::read(self.database()).unwrap()
    }

    fn put_back(&self, bytes: &[u8]) {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.database().display()));
        }
        std::fs::write(self.database(), bytes).unwrap();
    }

    fn instance(&self, more: &[&str]) -> Ran {
        self.audit(&[&["instance"][..], more].concat())
    }
}

fn fault(told: &Value, tenant: &str) -> String {
    let all = told["tenants"].as_array().unwrap();
    let one = all.iter().find(|one| one["tenant"] == tenant).unwrap();
    one["fault"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn l24_a_log_that_is_deleted_set_back_or_begun_anew_is_named() {
    let home = Home::new();
    home.instance(&[]).fails_with(&["the service writes it while it runs"]);
    let mut last = BTreeMap::new();
    assert_eq!((home.remember(&mut last), home.remember(&mut last)), (2, 0), "what did not change is not said again");
    home.grow("rival", 4);
    assert_eq!(home.remember(&mut last), 1);
    let good = home.instance(&[]).code(0).json();
    assert_eq!((good["verified"].clone(), good["tenants"][1]["recorded"].clone()), (json!(true), json!(5)));

    let rival: TenantId = "rival".parse().unwrap();
    home.with(async |store| store.erase_tenant(&rival).await.unwrap());
    let told = home.instance(&[]).code(4).json();
    assert!(fault(&told, "rival").contains("its log is gone"), "{told}");
    assert_eq!(fault(&told, "acme"), "");
    // The service begins it anew, and records that too.
    home.audit(&["checkpoint", "--tenant", "rival"]).code(0);
    assert_eq!(home.remember(&mut BTreeMap::new()), 2);
    assert!(fault(&home.instance(&[]).code(4).json(), "rival").contains("written anew"));
    home.grow("rival", 30);
    assert_eq!(home.remember(&mut last), 1);
    assert!(fault(&home.instance(&[]).code(4).json(), "rival").contains("written anew"));
}

/// Whoever deletes a tenant with the command says so.
#[test]
fn l24_a_tenant_that_was_deleted_as_it_should_be_is_not_missed() {
    let home = Home::new();
    home.remember(&mut BTreeMap::new());
    let listed = std::fs::read_to_string(&home.settings).unwrap();
    std::fs::write(&home.settings, listed.replace("\n[[tenant]]\nid = \"rival\"\n", "")).unwrap();
    let receipt = text(home.path("receipt"));
    countersign(["--config", &home.settings, "tenant", "delete", "rival", "--confirm", "rival", "--receipt", &receipt])
        .code(0);
    let told = home.instance(&[]).code(0).json();
    assert_eq!(told["tenants"].as_array().unwrap().len(), 1, "{told}");
}

/// The log over all tenants is set back too, with everything else: only what was kept outside shows it.
#[test]
fn l24_a_record_that_was_cut_is_found_by_a_kept_checkpoint() {
    let home = Home::new();
    home.remember(&mut BTreeMap::new());
    let backup = home.saved();
    home.grow("rival", 3);
    home.remember(&mut BTreeMap::new());
    let kept = text(home.path("kept"));
    home.audit(&["checkpoint", "--tenant", "countersign-instance", "--to", &kept]).code(0);
    let strict = ["--checkpoint", &kept, "--key", &home.key()];
    assert_eq!(home.instance(&strict).code(0).json()["mode"], "checkpoint");
    home.put_back(&backup);
    home.instance(&[]).code(0);
    let told = home.instance(&strict).code(4).json();
    assert!(told["reason"].as_str().unwrap().contains("kept checkpoint"), "{told}");
}

#[test]
fn l7_a_checkpoint_is_kept_in_a_file_and_on_a_branch_and_not_replaced_by_what_contradicts_it() {
    let home = Home::new();
    let (file, bare) = (text(home.path("kept")), home.path("keep.git"));
    crate::site::bare(&bare, &BTreeMap::from([("README.md".to_owned(), b"kept\n".to_vec())]));
    let bare = text(bare);
    let places = [vec!["--to", file.as_str()], vec!["--repository", bare.as_str()]];
    let keep = |place: &[&str]| home.audit(&[&["checkpoint", "--tenant", "rival"][..], place].concat());
    let backup = home.saved();
    for place in &places {
        assert_eq!(keep(place).code(0).json()["size"], 1);
    }
    home.grow("rival", 6);
    for place in &places {
        assert_eq!(keep(place).code(0).json()["size"], 7);
        assert_eq!(keep(place).code(0).json()["size"], 7, "again is the same");
    }
    let mirror = countersign::git::Mirror::existing(Path::new(&bare)).unwrap();
    let tip = mirror.reference("refs/heads/checkpoints").unwrap().unwrap();
    assert_eq!(mirror.commit(&tip).unwrap().parents.len(), 1, "two commits, one after the other");
    let note = std::fs::read_to_string(&file).unwrap();
    let key = countersign::config::Keys::load(&home.path("data/keys")).unwrap().log.public();
    assert_eq!(Checkpoint::open(&note, &key).unwrap().size, 7);

    home.put_back(&backup);
    for place in &places {
        let told = keep(place).code(4).json();
        assert!(told["reason"].as_str().unwrap().contains("the database was set back"), "{told}");
    }
    home.grow("rival", 20);
    for place in &places {
        let told = keep(place).code(4).json();
        assert!(told["reason"].as_str().unwrap().contains("written anew"), "{told}");
    }
    assert_eq!(
        (std::fs::read_to_string(&file).unwrap(), mirror.reference("refs/heads/checkpoints").unwrap()),
        (note, Some(tip))
    );
    // And what was kept is what finds it in an export.
    let export = text(home.path("export-of-rival"));
    home.audit(&["export", &export, "--tenant", "rival"]).code(0);
    let told = home.audit(&["verify", &export, "--require", "checkpoint", "--checkpoint", &file, "--key", &home.key()]);
    assert!(told.code(4).json()["reason"].as_str().unwrap().contains("kept checkpoint"));
}

/// The right key over the wrong log: a checkpoint of another tenant, and of another instance.
#[test]
fn l5_a_checkpoint_of_another_log_is_refused_whatever_signed_it() {
    let home = Home::new();
    let (export, other) = (text(home.path("of-acme")), text(home.path("of-rival.checkpoint")));
    home.audit(&["export", &export, "--tenant", "acme"]).code(0);
    home.audit(&["checkpoint", "--tenant", "rival", "--to", &other]).code(0);
    let verify = |kept: &str| home.audit(&["verify", &export, "--checkpoint", kept, "--key", &home.key()]);
    let own = format!("{export}/checkpoint");
    verify(&own).code(0);
    let told = verify(&other).code(4).json();
    assert!(told["reason"].as_str().unwrap().contains("kept checkpoint is of the log"), "{told}");
    let signer = countersign::config::Keys::load(&home.path("data/keys")).unwrap().log;
    let right = Checkpoint::open(&std::fs::read_to_string(&own).unwrap(), &signer.public()).unwrap();
    for origin in ["elsewhere.example/t/acme", "", "demo/t/acme2"] {
        let wrong = Checkpoint { origin: origin.into(), ..right.clone() }.sign(&signer);
        let file = text(put(home.folder.path(), "wrong", wrong));
        verify(&file).code(4);
        // Nor is it taken for what was kept before.
        home.audit(&["checkpoint", "--tenant", "acme", "--to", &file]).code(4);
        home.audit(&["compare", &own, &file, "--key", &home.key()]).code(4);
    }
}
