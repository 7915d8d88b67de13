//! What a proposal costs until its pull request is open, and what its push costs, on a small and on a large repository.
//!
//! The cost must not grow with the number of files: the larger case may take at most one and a half times the smaller
//! one. It does grow with the widest folder on the path, whose tree git stores as one object: the last case shows that.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use countersign::app::{local_bot, local_place};
use countersign::cli::demo::{PROPOSER, REPOSITORY, Stage};
use countersign::domain::edit::Code;
use countersign::domain::ids::{ForgeKind, Oid, Time};
use countersign::domain::lifecycle::Stage as At;
use countersign::forge::local::{Faults, LocalForge};
use countersign::forge::{Forge as _, Push, Pushed};
use countersign::git::Mirror;
use divan::Bencher;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The generated repositories.
const SHAPES: [Shape; 3] = [Shape::Small, Shape::Large, Shape::Wide];
/// Seconds by which the clock moves between two proposals, so that no limit on an hour is reached.
const HOUR: i64 = 3_600;
const ENVIRONMENTS: [&str; 5] = ["dev", "test", "staging", "canary", "production"];
const CONFIG: &str = "version: 1\nenvironments:\n  staging: {paths: [\"**/overlays/staging/**\"], mode: propose}\n\
                      limits: {pullRequestsPerHour: 1000, openPullRequests: 1000, files: 5, lines: 50}\n";

/// A repository of ten files for each application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// 2,000 files, fifty applications in the folder of each team.
    Small,
    /// 50,000 files, the same.
    Large,
    /// 50,000 files, every application in one folder.
    Wide,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Shape::Small => "2000",
            Shape::Large => "50000",
            Shape::Wide => "50000 in one folder",
        })
    }
}

impl Shape {
    fn applications(self) -> usize {
        match self {
            Shape::Small => 200,
            Shape::Large | Shape::Wide => 5_000,
        }
    }

    /// The folder of an application.
    fn folder(self, n: u64) -> String {
        match self {
            Shape::Small | Shape::Large => format!("teams/team-{:03}/app-{n:05}", n / 50),
            Shape::Wide => format!("apps/app-{n:05}"),
        }
    }

    /// The kustomization of its staging overlay.
    fn overlay(self, n: u64) -> String {
        format!("{}/overlays/staging/kustomization.yaml", self.folder(n))
    }
}

/// A deployment on a generated repository whose mirror is warm.
struct Ground {
    stage: Stage,
    runtime: Runtime,
    shape: Shape,
    next: AtomicU64,
    _home: TempDir,
}

fn main() {
    divan::main();
}

/// Ten files for each application: a base of five and an overlay for each environment.
fn files(shape: Shape) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([(".github/countersign.yaml".to_owned(), CONFIG.as_bytes().to_vec())]);
    for n in 0..shape.applications() as u64 {
        let folder = shape.folder(n);
        let name = format!("app-{n:05}");
        for kind in ["deployment", "service", "configmap", "hpa", "kustomization"] {
            let text =
                format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n  labels: {{part: \"{n}\"}}\n");
            files.insert(format!("{folder}/base/{kind}.yaml"), text.into_bytes());
        }
        for environment in ENVIRONMENTS {
            files.insert(format!("{folder}/overlays/{environment}/kustomization.yaml"), overlay(&name));
        }
    }
    files
}

fn overlay(name: &str) -> Vec<u8> {
    let head =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: shop\nresources:\n- ../../base\n";
    format!("{head}images:\n- name: ghcr.io/acme/{name}\n  newTag: \"1.0\"\n").into_bytes()
}

/// The ground of this shape; made once.
fn ground(shape: Shape) -> &'static Ground {
    static GROUNDS: [OnceLock<Ground>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let place = SHAPES.iter().position(|known| *known == shape).unwrap();
    GROUNDS[place].get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start: Time = "2026-01-05T08:00:00Z".parse().unwrap();
        let stage = runtime.block_on(Stage::set(home.path(), &files(shape), start)).unwrap();
        let ground = Ground { stage, runtime, shape, next: AtomicU64::new(0), _home: home };
        // The first one fills the caches.
        ground.turns(&ground.document());
        ground
    })
}

impl Ground {
    /// A proposal of its own, on the staging overlay of a fixed application.
    fn document(&self) -> String {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        self.stage.clock.advance(HOUR);
        let app = format!("app-{:05}", 7 + n % 100);
        json!({
            "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": "SetImage",
            "repository": {"forge": "local", "name": REPOSITORY},
            "target": {"kind": "Deployment", "namespace": "shop", "name": app},
            "changes": [{"kustomize": {"directory": format!("{}/overlays/staging", self.shape.folder(7 + n % 100)),
                "images": [{"name": format!("ghcr.io/acme/{app}"), "newTag": format!("2.{n}")}]}}],
            "reason": "a new build", "blastRadius": {"environments": ["staging"], "objects": []},
            "rollback": {"description": "the tag before"}, "proposer": {"id": PROPOSER}
        })
        .to_string()
    }

    /// From the door to the open pull request with its attestation: intake, push, open, attest, report.
    fn turns(&self, document: &str) -> String {
        self.runtime.block_on(async {
            let id = self.stage.propose(document.as_bytes()).await.unwrap().id;
            self.stage.settle().await.unwrap();
            id
        })
    }

    /// Closes what was opened, so that the next case finds the same number of open pull requests.
    fn clear(&self, id: &str) {
        self.runtime.block_on(async {
            let record = self.stage.record(id).await.unwrap();
            assert_eq!(record.stage, At::Open, "{:?}", record.reason);
            assert!(record.issued.is_some(), "no attestation");
            self.stage.person("dana", 7).close(record.pull.unwrap()).await.unwrap();
            self.stage.wake(id).await.unwrap();
            self.stage.settle().await.unwrap();
        });
    }

    /// The forge with a mirror of its own, as the engine has it.
    fn forge(&self) -> LocalForge {
        let (_, repository) = self.stage.parts.settings.find(ForgeKind::Local, REPOSITORY).unwrap();
        let mirror = self.stage.home.join("bench-mirror.git");
        let clock = self.stage.clock.clock();
        LocalForge::new(local_place(repository).unwrap(), &mirror, local_bot(), clock, Faults::default())
    }

    /// A warm mirror and the tree of `main`.
    fn mirror(&self) -> (Mirror, Oid) {
        let forge = self.forge();
        let (mirror, base) = self.runtime.block_on(async {
            (forge.sync().await.unwrap(), forge.tip("main").await.unwrap().expect("a first commit"))
        });
        let tree = mirror.tree(&base).unwrap();
        (mirror, tree)
    }

    /// A push of one changed overlay whose tree is in the mirror.
    fn prepared(&self, mirror: &Mirror, base: &Oid) -> Push {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        let path = self.shape.overlay(7 + n % 100);
        let text = format!("kind: Kustomization\nimages:\n- name: x\n  newTag: \"3.{n}\"\n");
        let tree = mirror.write(&mirror.tree(base).unwrap(), &[(path, Some(text.into_bytes()))]).unwrap();
        Push {
            branch: format!("countersign/bench/{n}"),
            old: None,
            parent: base.clone(),
            tree,
            message: "fix(SetImage): bench\n".into(),
            at: self.stage.clock.now(),
        }
    }
}

#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 1)]
fn propose_to_open(bencher: Bencher<'_, '_>, shape: Shape) {
    let ground = ground(shape);
    let last = std::cell::RefCell::new(None::<String>);
    bencher
        .with_inputs(|| {
            if let Some(id) = last.borrow_mut().take() {
                ground.clear(&id);
            }
            ground.document()
        })
        .bench_local_refs(|document| *last.borrow_mut() = Some(ground.turns(document)));
    if let Some(id) = last.into_inner() {
        ground.clear(&id);
    }
}

#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 1)]
fn push(bencher: Bencher<'_, '_>, shape: Shape) {
    let ground = ground(shape);
    let forge = ground.forge();
    let (mirror, base) = ground
        .runtime
        .block_on(async { (forge.sync().await.unwrap(), forge.tip("main").await.unwrap().expect("a first commit")) });
    bencher.with_inputs(|| ground.prepared(&mirror, &base)).bench_local_values(|push| {
        let pushed = ground.runtime.block_on(forge.push(&push)).unwrap();
        assert!(matches!(pushed, Pushed::Done(_)), "{pushed:?}");
        let tip = ground.runtime.block_on(forge.tip(&push.branch)).unwrap().unwrap();
        ground.runtime.block_on(forge.remove_branch(&push.branch, &tip)).unwrap();
    });
}

/// What one look at one path of the tree costs.
#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 10)]
fn find_a_file(bencher: Bencher<'_, '_>, shape: Shape) {
    let (mirror, tree) = ground(shape).mirror();
    let path = shape.overlay(42);
    bencher.bench_local(|| mirror.node(&tree, &path).unwrap().expect("a file"));
}

/// What a new tree with one other file costs.
#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 10)]
fn write_a_tree(bencher: Bencher<'_, '_>, shape: Shape) {
    let ground = ground(shape);
    let (mirror, tree) = ground.mirror();
    let path = shape.overlay(42);
    let change = || vec![(path.clone(), Some(ground.document().into_bytes()))];
    bencher.with_inputs(change).bench_local_refs(|change| mirror.write(&tree, change).unwrap());
}

/// What the difference to such a tree costs.
#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 10)]
fn compare_two_trees(bencher: Bencher<'_, '_>, shape: Shape) {
    let (mirror, tree) = ground(shape).mirror();
    let path = shape.overlay(42);
    let other = mirror.write(&tree, &[(path, Some(b"kind: Kustomization\n".to_vec()))]).unwrap();
    bencher.bench_local(|| mirror.raw_diff(&tree, &other).unwrap());
}

#[divan::bench(args = SHAPES, sample_count = 40, sample_size = 10)]
fn apply_to_the_tree(bencher: Bencher<'_, '_>, shape: Shape) {
    let ground = ground(shape);
    let forge = ground.forge();
    let (mirror, base) = ground
        .runtime
        .block_on(async { (forge.sync().await.unwrap(), forge.tip("main").await.unwrap().expect("a first commit")) });
    let changes = || {
        let document: serde_json::Value = serde_json::from_str(&ground.document()).unwrap();
        serde_json::from_value(document["changes"].clone()).unwrap()
    };
    bencher.with_inputs(changes).bench_local_values(|changes: Vec<countersign::domain::change::Change>| {
        let applied = countersign::engine::apply_to(&mirror, &base, &changes).unwrap();
        applied.map_err(|refusal| refusal.code).unwrap_or_else(|code: Code| unreachable!("{code}"))
    });
}
