//! `countersign pull`: acting as a person on the pull requests of a local repository.
//!
//! Must not act as the bot, and must not reach any forge but the local one.
//!
//! With `--output json` every subcommand prints one JSON document and a newline. `list` prints an array of pulls; `show`
//! a pull with `body`, `reviews`, `checks` and `comments`; `diff` prints `{"number", "diff"}`. All others print
//! `{"number", "done"}`, where `done` is the subcommand's name, with `head` after `push`, `commit` after `merge` and
//! `comment` (a number) after `comment`. A pull is `{"number", "state", "draft", "title", "author", "base", "branch",
//! "head", "labels", "mergeable", "touched", "merged", "closed_by"}`: `mergeable` is `"yes"`, `"unknown"` or the reason
//! why not, `touched` is the last act of anybody but the one who asks, times are RFC 3339, users are `{"id", "login"}`.

mod act;
mod show;
#[cfg(test)]
mod tests;

use super::Output;
use crate::domain::facts::User;
use crate::domain::ids::{Clock, Oid};
use crate::forge::local::{LocalPlace, Person, Who};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

/// Finds a local repository by its name.
pub type Resolve<'a> = dyn Fn(&str) -> anyhow::Result<LocalPlace> + 'a;

/// Acts as a person on the pull requests of a local repository.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Who acts: a login, or LOGIN:NUMBER.
    #[arg(long = "as", global = true, value_name = "LOGIN:ID")]
    who: Option<String>,
    /// Acts as somebody who may not write to the repository.
    #[arg(long, global = true)]
    read_only: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the pull requests of `local:<name>`.
    List {
        /// The repository, `local:<name>`.
        repository: String,
        /// Closed and merged ones too.
        #[arg(long)]
        all: bool,
    },
    /// Shows a pull request with its checks, reviews and comments.
    Show(Target),
    /// Shows the change as a unified diff.
    Diff(Target),
    /// Writes a comment.
    Comment {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        text: Text,
    },
    /// Reviews the head as it is now.
    Review {
        #[command(flatten)]
        target: Target,
        /// What the reviewer says.
        opinion: Say,
        /// Whose opinion is dismissed, by number; by default one's own.
        #[arg(long, value_name = "ID")]
        of: Option<u64>,
        #[command(flatten)]
        text: Text,
    },
    /// Sets a check of the head.
    Check {
        #[command(flatten)]
        target: Target,
        /// The name of the check.
        name: String,
        /// What it says.
        conclusion: Mark,
        /// The number of the app that writes it.
        #[arg(long, default_value_t = 15368)]
        app: u64,
        /// The commit that it is about, instead of the head: what landed, after a merge.
        #[arg(long, value_name = "ID")]
        commit: Option<Oid>,
    },
    /// Puts labels on and takes labels off.
    Label {
        #[command(flatten)]
        target: Target,
        /// A label to put on.
        #[arg(long, value_name = "LABEL", required_unless_present = "remove")]
        add: Vec<String>,
        /// A label to take off.
        #[arg(long, value_name = "LABEL")]
        remove: Vec<String>,
    },
    /// Edits title, body, base or draft.
    Edit {
        #[command(flatten)]
        target: Target,
        /// The new title.
        #[arg(long)]
        title: Option<String>,
        /// The new base branch.
        #[arg(long)]
        base: Option<String>,
        /// Draft, or not.
        #[arg(long)]
        draft: Option<bool>,
        #[command(flatten)]
        text: Text,
    },
    /// Pushes a commit to the branch: one file changed or deleted, or the same tree again.
    Push {
        #[command(flatten)]
        target: Target,
        /// The path of the file in the repository.
        #[arg(long, required_unless_present = "amend")]
        path: Option<String>,
        /// The file with its new bytes; without it the path is deleted.
        #[arg(long, requires = "path", value_name = "FILE")]
        from: Option<PathBuf>,
        /// Replaces the head by a commit of one's own with the same tree.
        #[arg(long, conflicts_with = "path")]
        amend: bool,
        /// The commit message.
        #[arg(long, default_value = "change by hand")]
        message: String,
    },
    /// Merges the head as it is now.
    Merge {
        #[command(flatten)]
        target: Target,
        /// How.
        #[arg(long, default_value = "squash")]
        method: Method,
    },
    /// Closes a pull request, or opens it again.
    Close {
        #[command(flatten)]
        target: Target,
        /// Opens it again.
        #[arg(long)]
        reopen: bool,
    },
}

#[derive(Debug, Args)]
struct Target {
    /// The pull request, `local:<name>#<number>`.
    locator: String,
}

#[derive(Debug, Args)]
struct Text {
    /// The text.
    #[arg(long)]
    body: Option<String>,
    /// A file with the text; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Say {
    Approve,
    RequestChanges,
    Comment,
    Dismiss,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mark {
    Pending,
    Success,
    Failure,
    Neutral,
    Skipped,
    Cancelled,
    ActionRequired,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    Merge,
    Squash,
    Rebase,
}

/// Runs one subcommand and prints what it gives.
pub async fn run(
    args: PullArgs,
    resolve: &Resolve<'_>,
    clock: Clock,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let who = who(args.who.as_deref(), args.read_only)?;
    let (place, number) = locate(args.command.locator(), resolve)?;
    let person = Person::new(place, who, clock);
    let answer = match (args.command, number) {
        (Command::List { all, .. }, _) => act::list(&person, all).await,
        (command, Some(number)) => act::act(&person, number, command).await,
        (_, None) => bail!("the locator names no pull request: write local:<name>#<number>"),
    };
    for warning in person.warnings() {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    print(&answer?, output, out)
}

/// What a subcommand gives, for people and for programs.
struct Answer {
    text: String,
    json: Value,
}

impl Command {
    fn locator(&self) -> &str {
        match self {
            Command::List { repository, .. } => repository,
            Command::Show(target) | Command::Diff(target) => &target.locator,
            Command::Comment { target, .. }
            | Command::Review { target, .. }
            | Command::Check { target, .. }
            | Command::Label { target, .. }
            | Command::Edit { target, .. }
            | Command::Push { target, .. }
            | Command::Merge { target, .. }
            | Command::Close { target, .. } => &target.locator,
        }
    }
}

/// The person of `--as`: `dana:7`, or a login with the number 1000; by default `$USER`.
fn who(text: Option<&str>, read_only: bool) -> anyhow::Result<Who> {
    let text = text.map(str::to_owned).or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "somebody".to_owned());
    let (login, id) = match text.rsplit_once(':') {
        Some((login, id)) => (login, id.parse().with_context(|| format!("--as {text}: `{id}` is not a number"))?),
        None => (text.as_str(), 1000),
    };
    if login.is_empty() || id == 0 {
        bail!("--as {text}: write LOGIN:ID, such as dana:7");
    }
    Ok(Who { user: User { id, login: login.to_owned() }, can_write: !read_only })
}

/// The repository and the number of a locator.
fn locate(locator: &str, resolve: &Resolve<'_>) -> anyhow::Result<(LocalPlace, Option<u64>)> {
    let Some(rest) = locator.strip_prefix("local:") else {
        bail!("`{locator}`: only pull requests of local repositories are acted on here: local:<name>#<number>");
    };
    let (name, number) = match rest.split_once('#') {
        Some((name, number)) => {
            (name, Some(number.parse().with_context(|| format!("`{locator}`: `{number}` is not a number"))?))
        }
        None => (rest, None),
    };
    Ok((resolve(name)?, number))
}

fn print(answer: &Answer, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    match output {
        Output::Text => write!(out, "{}", answer.text)?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&answer.json)?)?,
    }
    Ok(())
}
