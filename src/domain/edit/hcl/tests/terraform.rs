use super::sample::{Dice, Writer, read};
use super::*;
use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::process::Command;

/// The files of a folder that `terraform fmt` would change; all are written anew unless `check`.
fn unformatted(folder: &FilePath, check: bool) -> BTreeSet<String> {
    let mut command = Command::new("terraform");
    command.arg("fmt").args(check.then_some("-check")).arg("-list=true").arg(folder);
    let output = command.output().expect("terraform runs");
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names.lines().filter_map(|line| line.rsplit('/').next()).map(str::to_owned).collect()
}

#[test]
fn files_that_terraform_formatted_stay_formatted() {
    if Command::new("terraform").arg("version").output().is_err() {
        println!("skipped: terraform is not installed");
        return;
    }
    let folder = std::env::temp_dir().join(format!("countersign-hcl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |seed: u64| folder.join(format!("f{seed}.tf"));
    for seed in 0..250 {
        std::fs::write(path(seed), Writer::file(&mut Dice(seed)).replace("\r\n", "\n")).expect("written");
    }
    unformatted(&folder, false);
    let unstable = unformatted(&folder, false);
    let mut edits = Vec::new();
    for seed in (0..250).filter(|seed| !unstable.contains(&format!("f{seed}.tf"))) {
        let before = std::fs::read_to_string(path(seed)).expect("read");
        let json = super::random::draw(&mut Dice(seed), &mut read(before.trim_start_matches('\u{feff}')));
        if let Ok(edited) = edit(before.as_bytes(), None, &[super::read(json.clone())]) {
            std::fs::write(path(seed), &edited.bytes).expect("written");
            edits.push((seed, json, before));
        }
    }
    let moved = unformatted(&folder, true);
    let told: Vec<String> = edits
        .iter()
        .filter(|(seed, _, _)| moved.contains(&format!("f{seed}.tf")))
        .map(|(seed, json, before)| {
            format!("{json}\n{before}---\n{}", std::fs::read_to_string(path(*seed)).expect("read"))
        })
        .collect();
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(edits.len() > 150, "{} edits", edits.len());
    assert!(told.is_empty(), "{} of {} moved:\n{}", told.len(), edits.len(), told.join("\n======\n"));
}
