//! A home whose class has earned to merge by itself, played once and copied for each test.

use crate::documents::image;
use crate::folder;
use crate::world::{APPS, HOUR, START, World};
use countersign::cli::demo::HandClock;
use countersign::domain::ids::Time;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Clean outcomes that unlock a class at 0.95.
pub const CLEAN: u64 = 73;
/// Proposals of one day: as many as the limits let through.
const DAILY: u64 = 10;

struct Season {
    home: PathBuf,
    end: Time,
}

static SEASON: OnceLock<Season> = OnceLock::new();

/// Copies the home into a new folder; answers the time at which it begins.
pub fn copy(to: &Path) -> HandClock {
    let season = SEASON.get_or_init(|| std::thread::spawn(play).join().expect("the season was played"));
    folder::copy(&season.home, to).expect("the home was copied");
    HandClock::at(season.end)
}

fn play() -> Season {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("season");
    let _ = std::fs::remove_dir_all(&home);
    let played = folder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let end = runtime.block_on(async {
        let world = World::at(played.path(), &countersign::cli::demo::shop(), START.parse().expect("a time")).await;
        history(&world, CLEAN, CLEAN).await;
        let end = world.stage.clock.now();
        world.finish().await;
        end
    });
    std::fs::remove_dir_all(played.path().join("data/mirrors")).expect("mirrors are made again");
    pack(&played.path().join("repos/shop.git")).expect("the repository was packed");
    folder::copy(played.path(), &home).expect("the season is kept");
    Season { home, end }
}

/// A new folder; in memory where there is such a place, because the database waits for the disk at each step.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let chosen = std::env::var_os("TMPDIR").is_none() && memory.is_dir();
    let made = if chosen { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Puts all objects into one pack and all refs into one file, so that a copy takes no time.
fn pack(bare: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let repo = git2::Repository::open_bare(bare)?;
    let odb = repo.odb()?;
    let mut builder = repo.packbuilder()?;
    let mut objects = Vec::new();
    odb.foreach(|oid| {
        objects.push(*oid);
        true
    })?;
    for oid in objects {
        builder.insert_object(oid, None)?;
    }
    builder.write(&bare.join("objects/pack"), 0o644)?;
    let mut refs = Vec::new();
    for reference in repo.references()? {
        let reference = reference?;
        if let (Ok(name), Some(oid)) = (reference.name(), reference.target()) {
            refs.push(format!("{name} {oid}"));
        }
    }
    refs.sort();
    let lines: Vec<String> =
        refs.iter().filter_map(|line| line.split_once(' ')).map(|(name, oid)| format!("{oid} {name}\n")).collect();
    std::fs::write(bare.join("packed-refs"), format!("# pack-refs with: peeled sorted \n{}", lines.concat()))?;
    std::fs::remove_dir_all(bare.join("refs"))?;
    std::fs::create_dir_all(bare.join("refs/heads"))?;
    for entry in std::fs::read_dir(bare.join("objects"))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.len() == 2) {
            std::fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

/// Proposals that a person merges and a reporter judges, a few each day; the first `good` of `total` are good.
pub async fn history(world: &World, good: u64, total: u64) {
    for first in (0..total).step_by(usize::try_from(DAILY).unwrap()) {
        let mut day = Vec::new();
        for n in first..total.min(first + DAILY) {
            let app = APPS[usize::try_from(n % DAILY).unwrap()];
            day.push((n, world.send(&image(app, "staging", &format!("1.0.{}", n + 1))).await));
        }
        world.turns().await;
        for (_, id) in &day {
            world.stage.merge(id).await.expect("a person merges");
        }
        world.turns().await;
        for (n, id) in &day {
            let seen = if *n < good { "good" } else { "bad" };
            world.reports(id, seen).await;
        }
        world.advance(24 * HOUR);
        world.turns().await;
    }
    // The last changes soak for three days, and one success of a target counts on a day.
    for _ in 0..3 {
        world.advance(24 * HOUR);
        world.turns().await;
    }
}
