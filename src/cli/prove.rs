//! `verify` and `replay`: proofs that need nobody's word.

use super::paint::{Ink, paint, wanted};
use super::proving::{keys_of, not_proven};
use super::{Output, Status, print_json, read_input};
use crate::app::system_clock;
use crate::domain::attest::{EDITOR, Fault, KeySet, Proven, extract, open, prove};
use crate::domain::ids::Oid;
use crate::domain::proposal::Sealed;
use crate::engine::{apply_to, plan};
use crate::git::Mirror;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct VerifyArgs {
    #[command(subcommand)]
    pub(super) what: Option<What>,
    #[command(flatten)]
    pub(super) body: Option<BodyArgs>,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Verifies a pull request against what its forge says of it now.
    Pr(Box<super::pr::PrArgs>),
}

#[derive(Debug, Args)]
pub(super) struct BodyArgs {
    /// The pull request's body; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// The public key, PEM, or a published key set with --root.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key that signs the key set, PEM.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The moment at which its validity is judged; now when left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The proposal.
    #[arg(long, value_name = "FILE")]
    proposal: PathBuf,
    /// A bare repository, or the `.git` folder of a clone.
    #[arg(long, value_name = "DIR")]
    repository: PathBuf,
    /// The commit the change is applied to.
    #[arg(long)]
    base: String,
    /// The commit that must have the tree this gives.
    #[arg(long)]
    head: String,
    /// The attested body; it must attest this proposal, and its editor must be ours.
    #[arg(long, value_name = "FILE", requires = "key")]
    body: Option<PathBuf>,
    /// The public key, PEM.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// The body's text and the keys to prove it with.
fn read(body: &Path, key: &Path, root: Option<&Path>) -> anyhow::Result<Result<(String, KeySet), Fault>> {
    let keys = keys_of(key, root)?;
    let text = String::from_utf8(read_input(body)?);
    Ok(text.map(|text| (text, keys)).map_err(|_| Fault::new("attestation.malformed", "the body is not UTF-8")))
}

pub(super) fn verify(args: &BodyArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let at = match &args.at {
        Some(text) => text.parse().map_err(|reason: String| anyhow::anyhow!("--at: {reason}"))?,
        None => system_clock()(),
    };
    match read(&args.body, &args.key, args.root.as_deref())?.and_then(|(text, keys)| prove(&text, &keys, at)) {
        Err(fault) => not_proven(&fault, output, out),
        Ok(proven) => {
            match output {
                Output::Json => {
                    print_json(
                        out,
                        &json!({"verified": true, "envelope": proven.envelope, "statement": proven.statement}),
                    )?;
                }
                Output::Text => words(&proven, out)?,
            }
            Ok(Status::Done)
        }
    }
}

fn words(proven: &Proven, out: &mut dyn Write) -> anyhow::Result<()> {
    let predicate = &proven.statement.predicate;
    let b = &predicate.binding;
    writeln!(out, "{} signed by key {}", paint(wanted(), Ink::Good, "verified:"), predicate.key.kid)?;
    writeln!(out, "instance    {} for tenant {}", b.instance, b.tenant)?;
    writeln!(out, "repository  {} {} number {}", b.forge.kind, b.forge.repo, b.forge.repo_id)?;
    writeln!(out, "pull        {} from {} into {}", b.pr.number, b.head.name, b.base.name)?;
    writeln!(out, "head        {}", b.head.sha)?;
    writeln!(out, "base        {}", b.base.sha)?;
    writeln!(out, "merge tree  {}", b.merge.tree)?;
    writeln!(out, "change      {} tier {}, {}", b.change.action_kind, b.change.tier, b.change.files.join(", "))?;
    writeln!(out, "proposal    {} sha256:{}", b.proposal.id, b.proposal.digest)?;
    writeln!(out, "valid       {} to {}", predicate.issued_at, predicate.not_after)?;
    writeln!(out, "record      {} index {}", predicate.audit.origin, predicate.audit.index)?;
    Ok(())
}

pub(super) fn replay(args: &ReplayArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let path = args.proposal.display();
    let sealed = Sealed::read(&read_input(&args.proposal)?).map_err(|error| anyhow::anyhow!("{path}: {error}"))?;
    if let (Some(body), Some(key)) = (&args.body, &args.key)
        && let Err(fault) = read(body, key, None)?.and_then(|(text, keys)| attested(&text, &keys, &sealed))
    {
        return not_proven(&fault, output, out);
    }
    let source =
        Mirror::existing(&args.repository).with_context(|| format!("cannot open {}", args.repository.display()))?;
    // Objects that the replay makes go to a scratch repository, not into the one that is checked.
    let scratch = tempfile::tempdir().context("cannot make a scratch folder")?;
    let mirror = Mirror::open(scratch.path(), Some(source.path())).context("cannot open the repository's objects")?;
    let commit = |name: &str, text: &str| -> anyhow::Result<Oid> {
        text.parse().map_err(|reason: String| anyhow::anyhow!("--{name}: {reason}"))
    };
    let (base, head) = (commit("base", &args.base)?, commit("head", &args.head)?);
    let wanted_tree = mirror.tree(&head)?;
    let replayed = match apply_to(&mirror, &base, &sealed.proposal.changes)? {
        Ok((tree, _)) => tree,
        Err(refusal) => return not_proven(&Fault::new("replay.refused", refusal.to_string()), output, out),
    };
    let changeset =
        plan(&mirror, &base, &sealed.proposal.changes)?.map(|plan| plan.changeset.to_string()).unwrap_or_default();
    if replayed != wanted_tree {
        let fault =
            Fault::new("replay.mismatch", format!("the change gives the tree {replayed}, the head has {wanted_tree}"));
        return not_proven(&fault, output, out);
    }
    match output {
        Output::Json => {
            print_json(out, &json!({"equal": true, "replayed": replayed, "head": wanted_tree, "changeset": changeset}))?
        }
        Output::Text => writeln!(
            out,
            "{} replayed {replayed}\n       head     {wanted_tree}",
            paint(wanted(), Ink::Good, "equal:")
        )?,
    }
    Ok(Status::Done)
}

/// Whether a body attests this proposal, made by an editor like ours; judged when it was signed, because the time of a
/// replay is not the time of a merge.
fn attested(text: &str, keys: &KeySet, sealed: &Sealed) -> Result<(), Fault> {
    let (statement, _) = open(&extract(text)?.envelope, keys)?;
    let issued = statement.predicate.issued_at.parse();
    let issued = issued.map_err(|reason: String| Fault::new("attestation.malformed", reason))?;
    let binding = prove(text, keys, issued)?.statement.predicate.binding;
    if binding.editor != EDITOR {
        let reason = format!("it was made by {}, this is {EDITOR}: replay it with that version", binding.editor);
        return Err(Fault::new("editor_version", reason));
    }
    if binding.proposal.digest != sealed.digest {
        let reason = format!("the body attests proposal {}, this is {}", binding.proposal.digest, sealed.digest);
        return Err(Fault::new("proposal.digest", reason));
    }
    Ok(())
}
