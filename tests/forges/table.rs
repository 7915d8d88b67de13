//! Which scenario is proven on which forge: read from the tests themselves, and written between two lines of
//! `docs/forges.md`. `COUNTERSIGN_WRITE_DOCS=1` writes it; without that a table that is not true any more fails.
//!
//! A test proves scenario 62 when its name begins with `f62_`; `f60_f61_` stands for both. Where it lies says for which
//! forge: in `on_each_forge!` for all, in `on_github!` or below a forge's own folder for that one, anywhere else in the
//! program for the code that all forges share, which is played on the local one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- scenarios: written by the tests, do not edit -->";
const END: &str = "<!-- scenarios end -->";

const LOCAL: usize = 0;
const GITHUB: usize = 1;
const GITLAB: usize = 2;

/// The scenarios, in order.
const TITLES: [&str; 92] = [
    "an event of a kind that is not known",
    "an action of an event that is not known",
    "a signature over other bytes of the same JSON",
    "a signature that is missing, empty or malformed",
    "a secret that is being replaced",
    "a wrong token or signature of a GitLab hook",
    "an event of one forge at the address of another",
    "a body that is too large or too deep",
    "a body with missing, null, odd or unknown fields",
    "a body that is not UTF-8 or holds NUL",
    "every recorded payload",
    "a handler slower than the forge waits",
    "one delivery on two workers at once",
    "one event under two delivery ids",
    "a delivery again, after its first handling failed",
    "a crash between remembering and queueing a delivery",
    "events out of order",
    "an event older than what was seen",
    "lost events",
    "an event before the API shows its commit",
    "an event of a repository that is not ours any more",
    "ten thousand events at once",
    "the branch exists at our commit",
    "the branch exists at a foreign commit",
    "our pull request exists",
    "a foreign pull request stands on the branch",
    "a crash between branch and pull request",
    "opening answers 5xx and has happened",
    "the branch is not visible yet",
    "nothing to change",
    "the base is gone or protected against us",
    "a body around the forge's limit",
    "a body's way there and back",
    "commands, mentions and references in text from outside",
    "reviewers and labels that do not exist",
    "a change of CI files without the right to",
    "an archived or empty repository",
    "commits that the forge verifies",
    "two of us propose the same at once",
    "an untouched body verifies",
    "one byte changed in the signed part",
    "text changed outside of it, newlines rewritten",
    "two blocks, quoted blocks, doubled keys",
    "a block of another pull request, repository or head",
    "the body edited between check and merge",
    "the body edited and edited back",
    "a key rotated or revoked meanwhile",
    "title, labels or draft changed by others",
    "a fork with our branch's name",
    "a user whose name looks like ours",
    "green checks of another head",
    "no checks yet, and no checks needed",
    "a check of the right name by somebody else",
    "every word a check can say",
    "a check that turns red before the merge",
    "rules that cannot be read",
    "an approval of an older head",
    "the latest opinion of a person",
    "an approval without the right to write",
    "mergeability that stays unknown",
    "a word for mergeability that is not known",
    "the head moves between check and merge",
    "the head moves and comes back",
    "another base between check and merge",
    "the base advances",
    "a conflict",
    "a draft",
    "the merge answers 5xx and has happened",
    "the merge answers 5xx and has not happened",
    "what landed is not what was attested",
    "a person merges or closes at the same moment",
    "a method that is not allowed",
    "a queue or train is required",
    "auto-merge armed by somebody else",
    "the branch is removed by others, or by us",
    "a revert of our change",
    "a limit is reached",
    "every form of \"later\"",
    "more writes than the forge takes",
    "a token that ends in the middle",
    "tokens of every form",
    "a clock that stands wrong",
    "access suspended, removed or reduced",
    "a renamed or transferred repository",
    "another repository under the old name",
    "a redirect to another host",
    "a stale answer, a list that changes while it is read",
    "broken, cut, empty or huge answers",
    "404 for something just made",
    "an answer 200 that holds errors",
    "a stop or a crash at any step",
    "a backup one hour old",
];

/// Where a scenario cannot happen, and why.
const NEVER: [(usize, usize, &str); 25] = [
    (6, LOCAL, "signs its events"),
    (6, GITHUB, "signs its events"),
    (29, LOCAL, "git is the forge"),
    (36, LOCAL, "no CI of its own"),
    (36, GITLAB, "CI files are refused before a push"),
    (38, LOCAL, "commits are unsigned"),
    (38, GITLAB, "pushed commits are unsigned"),
    (60, LOCAL, "always known"),
    (61, LOCAL, "always known"),
    (74, LOCAL, "has none"),
    (77, LOCAL, "has no limits"),
    (78, LOCAL, "has no limits"),
    (79, LOCAL, "has no limits"),
    (80, LOCAL, "has no tokens"),
    (81, LOCAL, "has no tokens"),
    (82, LOCAL, "has no tokens"),
    (82, GITLAB, "tokens carry no clock"),
    (83, LOCAL, "is a path"),
    (84, LOCAL, "is a path"),
    (85, LOCAL, "is a path"),
    (86, LOCAL, "has no addresses"),
    (87, LOCAL, "is read from the disk"),
    (88, LOCAL, "has no answers over a network"),
    (90, LOCAL, "has no such answers"),
    (90, GITLAB, "REST alone is used"),
];

/// Without these nothing is released: each is proven on each forge, or cannot happen there.
const BAR: [(usize, usize); 23] = [
    (1, 4),
    (7, 7),
    (9, 9),
    (11, 16),
    (19, 20),
    (23, 23),
    (25, 25),
    (27, 28),
    (32, 34),
    (40, 45),
    (49, 49),
    (51, 53),
    (56, 57),
    (60, 60),
    (62, 62),
    (64, 64),
    (66, 68),
    (70, 71),
    (77, 81),
    (83, 84),
    (86, 86),
    (88, 88),
    (91, 91),
];

/// Which scenarios are proven, by number and forge.
type Proven = BTreeMap<usize, BTreeSet<usize>>;

/// The numbers at the beginning of a test's name.
fn numbers(name: &str) -> Vec<usize> {
    let parts = name.split('_').map(|part| part.strip_prefix('f').and_then(|digits| digits.parse().ok()));
    parts.take_while(Option::is_some).flatten().collect()
}

fn add(proven: &mut Proven, name: &str, forges: &[usize]) {
    for number in numbers(name) {
        proven.entry(number).or_default().extend(forges);
    }
}

/// What one file proves; functions that a macro runs are left to the macro.
fn read(path: &str, text: &str, proven: &mut Proven) {
    let own = match path {
        _ if path.contains("/github") => GITHUB,
        _ if path.contains("/gitlab") => GITLAB,
        _ => LOCAL,
    };
    for (at, _) in text.match_indices("fn f") {
        let name = word(&text[at + 3..]);
        let before = text[..at].lines().rev().take(4).collect::<String>();
        if before.contains("#[test]") || before.contains("#[tokio::test") || path.contains("tests/forges/gitlab/") {
            add(proven, name, &[own]);
        }
    }
    for (start, forges) in [
        ("on_each_forge!(", &[LOCAL, GITHUB, GITLAB][..]),
        ("on_served!(", &[GITHUB, GITLAB]),
        ("on_github!(", &[GITHUB]),
    ] {
        for (at, _) in text.match_indices(start) {
            let list = text[at + start.len()..].split(')').next().unwrap();
            list.split(',').for_each(|name| add(proven, name.trim(), forges));
        }
    }
    // Property tests stand without an attribute of their own.
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("fn f") && line.contains(" in \"")) {
        add(proven, word(&line[3..]), &[own]);
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("table.rs") {
            found.push(path);
        }
    }
}

fn table(proven: &Proven) -> String {
    let mut out = String::from("| | scenario | local | GitHub | GitLab |\n|---|---|---|---|---|\n");
    for (place, title) in TITLES.iter().enumerate() {
        let number = place + 1;
        let cell = |forge: usize| {
            let never = NEVER.iter().find(|(other, on, _)| (*other, *on) == (number, forge));
            match (proven.get(&number).is_some_and(|forges| forges.contains(&forge)), never) {
                (true, _) => "proven".to_owned(),
                (false, Some((.., why))) => format!("— {why}"),
                (false, None) => "open".to_owned(),
            }
        };
        out.push_str(&format!("| {number} | {title} | {} | {} | {} |\n", cell(LOCAL), cell(GITHUB), cell(GITLAB)));
    }
    out
}

#[test]
fn the_table_of_scenarios_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests"), &mut files);
    let mut proven = Proven::new();
    for file in files {
        let path = file.strip_prefix(root).unwrap().display().to_string();
        read(&path, &std::fs::read_to_string(&file).unwrap(), &mut proven);
    }
    assert_eq!(below_the_bar(&proven), [] as [String; 0], "the least that has to be proven");
    assert!(proven.keys().all(|number| (1..=TITLES.len()).contains(number)), "{:?}", proven.keys());
    let page = root.join("docs/forges.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the first line of the table");
    let (_, tail) = rest.split_once(END).expect("the last line of the table");
    let wanted = format!("{head}{BEGIN}\n\n{}\n{END}{tail}", table(&proven));
    if std::env::var_os("COUNTERSIGN_WRITE_DOCS").is_some() {
        std::fs::write(&page, &wanted).unwrap();
    }
    let now = std::fs::read_to_string(&page).unwrap();
    assert!(
        now == wanted,
        "docs/forges.md: run `COUNTERSIGN_WRITE_DOCS=1 cargo test --test forges table` and look at it"
    );
}

/// What is open of the scenarios that have to be proven.
fn below_the_bar(proven: &Proven) -> Vec<String> {
    let mut open = Vec::new();
    for number in BAR.into_iter().flat_map(|(first, last)| first..=last) {
        for (forge, name) in [(LOCAL, "local"), (GITHUB, "GitHub"), (GITLAB, "GitLab")] {
            let known = proven.get(&number).is_some_and(|forges| forges.contains(&forge));
            if !known && !NEVER.iter().any(|(other, on, _)| (*other, *on) == (number, forge)) {
                open.push(format!("{number} on {name}: {}", TITLES[number - 1]));
            }
        }
    }
    open
}

#[test]
fn what_is_open_is_seen() {
    assert_eq!(
        below_the_bar(&Proven::new()).len(),
        143,
        "51 scenarios on three forges, but for those that cannot happen"
    );
}

#[test]
fn names_and_places_are_read() {
    assert_eq!(numbers("f60_f61_words_for_mergeability"), [60, 61]);
    assert!(numbers("fine_words").is_empty() && numbers("the_f1").is_empty());
    let mut proven = Proven::new();
    let text = "on_each_forge!(\n    f62_a,\n    plain,\n);\non_github!(f38_b);\nasync fn f99_not_run() {}\n#[test]\nfn f3_c() {}\n";
    read("tests/forges/x.rs", text, &mut proven);
    read("src/forge/gitlab/x.rs", "#[test]\nfn f61_d() {}\n", &mut proven);
    let all: Vec<(usize, Vec<usize>)> = proven.iter().map(|(n, on)| (*n, on.iter().copied().collect())).collect();
    assert_eq!(all, [(3, vec![0]), (38, vec![1]), (61, vec![2]), (62, vec![0, 1, 2])]);
}
