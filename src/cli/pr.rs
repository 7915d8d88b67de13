//! `verify pr`: the attestation of a pull request against what its forge says now, with no word of the service.
//!
//! Must not take a key, an approver or a value from the pull request's own branch: all of them come in as files.

use super::paint::{Ink, paint, wanted};
use super::proving::{keys_of, not_proven};
use super::{Output, Status, print_json, read_input};
use crate::config::approvers_of;
use crate::domain::approval::{Expected, Says, verify};
use crate::domain::attest::{Binding, Fault, Proven, prove};
use crate::domain::ids::{Digest, ForgeKind, Oid, Time};
use crate::forge::local::{LocalPlace, Person, Who};
use crate::git::Mirror;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct PrArgs {
    /// `github:owner/name#12`, `gitlab:group/name#12`, or `local:name#12` with --config.
    locator: String,
    /// The public key of attestations, PEM, or a published key set with --root.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The key that signs the key set, PEM.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The forge's own answer about the pull request, JSON; it is asked for when left out.
    #[arg(long, value_name = "FILE")]
    pull: Option<PathBuf>,
    /// The forge's API, where it is not github.com or gitlab.com.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// A clone that holds the head: the change set and the merged tree are compared as well.
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
    /// Who may approve, TOML with [[approver]] tables: the approvals are proven too. Keep it on the base branch.
    #[arg(long, value_name = "FILE", requires = "tokens")]
    approvers: Option<PathBuf>,
    /// The approval tokens, one to a line.
    #[arg(long, value_name = "FILE", requires = "approvers")]
    tokens: Option<PathBuf>,
    /// How many people must have approved.
    #[arg(long, default_value_t = 1, requires = "approvers")]
    need: usize,
    /// The moment at which its validity is judged; now when left out.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Finds the place of a local repository.
type Resolve<'a> = dyn Fn(&str) -> anyhow::Result<LocalPlace> + 'a;

/// What the forge says of a pull request.
#[derive(Debug, PartialEq, Eq)]
struct Live {
    kind: ForgeKind,
    host: String,
    repository: u64,
    number: u64,
    open: bool,
    base: String,
    branch: String,
    head: String,
    head_repository: u64,
    body: String,
}

pub(super) async fn run(
    args: &PrArgs,
    resolve: &Resolve<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let now = crate::app::system_clock();
    let at = match &args.at {
        Some(text) => text.parse().map_err(|reason: String| anyhow::anyhow!("--at: {reason}"))?,
        None => now(),
    };
    let keys = keys_of(&args.key, args.root.as_deref())?;
    let live = look(args, resolve).await?;
    let judged = prove(&live.body, &keys, at).and_then(|proven| {
        compare(&proven.statement.predicate.binding, &live)?;
        Ok(proven)
    });
    let judged = match judged {
        Ok(proven) => deeper(args, &live, proven)?,
        Err(fault) => Err(fault),
    };
    match judged {
        Err(fault) => not_proven(&fault, output, out),
        Ok((proven, done)) => {
            answer(&proven, &done, args, output, out)?;
            Ok(Status::Done)
        }
    }
}

fn answer(proven: &Proven, done: &[String], args: &PrArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    match output {
        Output::Json => print_json(
            out,
            &json!({"verified": true, "envelope": proven.envelope, "proven": done, "statement": proven.statement}),
        ),
        Output::Text => {
            let good = paint(wanted(), Ink::Good, "verified:");
            writeln!(out, "{good} {} by key {}", args.locator, proven.statement.predicate.key.kid)?;
            done.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
            Ok(())
        }
    }
}

/// What needs files: the clone, and the people.
fn deeper(args: &PrArgs, live: &Live, proven: Proven) -> anyhow::Result<Result<(Proven, Vec<String>), Fault>> {
    let mut done = vec!["signature, times, text, repository, number, base and head are those of now".to_owned()];
    let binding = &proven.statement.predicate.binding;
    if let Some(path) = &args.repository {
        match change_set(path, binding, live)? {
            Ok(words) => done.push(words),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    if let (Some(approvers), Some(tokens)) = (&args.approvers, &args.tokens) {
        match approved(approvers, tokens, args.need, binding)? {
            Ok(people) => done.push(format!("approved by {}", people.join(", "))),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    Ok(Ok((proven, done)))
}

/// Every row that the forge can speak to.
fn compare(attested: &Binding, live: &Live) -> Result<(), Fault> {
    let mut now = attested.clone();
    (now.forge.kind, now.forge.host) = (live.kind, live.host.clone());
    (now.forge.repo_id, now.pr.number) = (live.repository, live.number);
    (now.base.name, now.head.name) = (live.base.clone(), live.branch.clone());
    now.head.sha = live.head.parse().map_err(|_| Fault::new("head.sha", format!("`{}` is no commit", live.head)))?;
    attested.compare(&now)?;
    if live.head_repository != live.repository {
        return Err(Fault::new("head.repository", "the head is in another repository: a fork"));
    }
    if !live.open {
        return Err(Fault::new("pr.closed", "the pull request is not open"));
    }
    Ok(())
}

/// What the head changes, read from git and not from the forge.
fn change_set(path: &Path, binding: &Binding, live: &Live) -> anyhow::Result<Result<String, Fault>> {
    let mirror = Mirror::existing(path).with_context(|| format!("cannot open {}", path.display()))?;
    let head: Oid = binding.head.sha.clone();
    let commit = mirror.commit(&head).with_context(|| format!("{} does not hold {}", path.display(), live.head))?;
    let [parent] = commit.parents.as_slice() else {
        return Ok(Err(Fault::new("changeset.mismatch", "the head has not exactly one parent")));
    };
    let found = Digest::of(&mirror.raw_diff(parent, &head)?);
    if found != binding.change.changeset {
        let reason = format!("the head changes {found}, attested is {}", binding.change.changeset);
        return Ok(Err(Fault::new("changeset.mismatch", reason)));
    }
    if *parent != binding.base.sha {
        return Ok(Ok("the change set is the attested one; the base has moved since the head was made".into()));
    }
    if commit.tree != binding.merge.tree {
        let reason = format!("the head has the tree {}, attested is {}", commit.tree, binding.merge.tree);
        return Ok(Err(Fault::new("merge.tree", reason)));
    }
    Ok(Ok("the change set and the merged tree are the attested ones".into()))
}

/// The people whose tokens hold and are among those that the attestation binds.
fn approved(
    approvers: &Path,
    tokens: &Path,
    need: usize,
    binding: &Binding,
) -> anyhow::Result<Result<Vec<String>, Fault>> {
    let approvers = approvers_of(approvers)?;
    let text = String::from_utf8(read_input(tokens)?).context("the tokens are not text")?;
    let mut people = BTreeSet::new();
    for token in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some(bound) = binding.approvals.iter().find(|bound| bound.sha256 == Digest::of(token.as_bytes())) else {
            return Ok(Err(Fault::new("approvals.mismatch", "a token that the attestation does not name")));
        };
        let at: Time = bound.at.parse().map_err(|reason: String| anyhow::anyhow!("{reason}"))?;
        let named = named(token);
        let audience = format!("{}/{}", binding.instance, binding.tenant);
        let expected = Expected {
            audience: &audience,
            tenant: &binding.tenant,
            proposal: &binding.proposal.id,
            // The sender's own name may stand in the token; which proposal it is, the digest decides.
            name: named.as_deref(),
            digest: binding.proposal.digest,
            action_kind: &binding.change.action_kind,
            class: Some((binding.change.class, binding.change.tier)),
            plan: None,
            proposer: "",
            says: Says::Approve,
            now: at,
        };
        match verify(token, &approvers, &expected) {
            Ok(spoken) if spoken.redeemed.kid.as_str() == bound.kid => {
                people.insert(spoken.redeemed.person);
            }
            Ok(_) => return Ok(Err(Fault::new("approvals.mismatch", "a token of another key than the one attested"))),
            Err(refused) => return Ok(Err(Fault::new(refused.code, refused.sentence))),
        }
    }
    if people.len() < need {
        let reason = format!("{} people approved it with keys that you pin, {need} are needed", people.len());
        return Ok(Err(Fault::new("approvals.short", reason)));
    }
    Ok(Ok(people.into_iter().collect()))
}

/// What a token calls the proposal, before anything of it is proven.
fn named(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("prp")?.as_str()?.to_owned())
}

/// Reads the pull request from its forge, or from the file with the forge's answer.
async fn look(args: &PrArgs, resolve: &Resolve<'_>) -> anyhow::Result<Live> {
    let form = "write github:owner/name#12, gitlab:group/name#12 or local:name#12";
    let (kind, rest) = args.locator.split_once(':').with_context(|| format!("`{}`: {form}", args.locator))?;
    let (name, number) = rest.split_once('#').with_context(|| format!("`{}`: {form}", args.locator))?;
    anyhow::ensure!(matches!(kind, "github" | "gitlab" | "local"), "`{}`: {form}", args.locator);
    let number: u64 = number.parse().with_context(|| format!("`{}`: `{number}` is not a number", args.locator))?;
    if kind == "local" {
        let user = crate::app::local_bot();
        let person = Person::new(resolve(name)?, Who { user, can_write: false }, crate::app::system_clock());
        let (pull, _) = person.show(number).await?;
        return Ok(Live {
            kind: ForgeKind::Local,
            host: crate::config::LOCAL_HOST.to_owned(),
            repository: pull.repository,
            number: pull.number,
            open: pull.state == crate::domain::facts::PullState::Open,
            base: pull.base_ref,
            branch: pull.head_ref,
            head: pull.head.to_string(),
            head_repository: pull.head_repository,
            body: pull.body,
        });
    }
    let answer = match &args.pull {
        Some(path) => {
            serde_json::from_slice(&read_input(path)?).with_context(|| format!("{} is not JSON", path.display()))?
        }
        None => asked(kind, name, number, args.api.as_deref()).await?,
    };
    let host = host(kind, args.api.as_deref())?;
    let live = match kind {
        "github" => of_github(&answer, host),
        _ => of_gitlab(&answer, host),
    };
    live.context("the forge's answer is not about a pull request: a member is missing")
}

fn host(kind: &str, api: Option<&str>) -> anyhow::Result<String> {
    let Some(api) = api else { return Ok(format!("{kind}.com")) };
    let url = reqwest::Url::parse(api).with_context(|| format!("--api: `{api}` is no address"))?;
    let host = url.host_str().with_context(|| format!("--api: `{api}` names no host"))?;
    Ok(host.strip_prefix("api.").unwrap_or(host).to_owned())
}

/// Asks a public API; with the token of GITHUB_TOKEN or GITLAB_TOKEN where there is one.
async fn asked(kind: &str, name: &str, number: u64, api: Option<&str>) -> anyhow::Result<Value> {
    let (url, variable) = match kind {
        "github" => {
            (format!("{}/repos/{name}/pulls/{number}", api.unwrap_or("https://api.github.com")), "GITHUB_TOKEN")
        }
        _ => {
            let (api, name) = (api.unwrap_or("https://gitlab.com"), name.replace('/', "%2F"));
            (format!("{api}/api/v4/projects/{name}/merge_requests/{number}"), "GITLAB_TOKEN")
        }
    };
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("countersign")
        .build()?;
    let mut request = client.get(&url);
    if let Some(token) = crate::config::read_secret(variable, &|name| std::env::var(name).ok())? {
        request = request.bearer_auth(token.trim());
    }
    let answer = request.send().await.with_context(|| format!("no answer from {url}"))?;
    let status = answer.status();
    anyhow::ensure!(status.is_success(), "{url} answers {status}: set {variable} to a token that may read it");
    answer.json().await.with_context(|| format!("{url} answers without JSON"))
}

fn of_github(answer: &Value, host: String) -> Option<Live> {
    let text = |path: &str| Some(answer.pointer(path)?.as_str()?.to_owned());
    Some(Live {
        kind: ForgeKind::Github,
        host,
        repository: answer.pointer("/base/repo/id")?.as_u64()?,
        number: answer.get("number")?.as_u64()?,
        open: answer.get("state")?.as_str()? == "open",
        base: text("/base/ref")?,
        branch: text("/head/ref")?,
        head: text("/head/sha")?,
        // The repository of a fork that was deleted is null: it is certainly not this one.
        head_repository: answer.pointer("/head/repo/id").and_then(Value::as_u64).unwrap_or_default(),
        body: text("/body").unwrap_or_default(),
    })
}

fn of_gitlab(answer: &Value, host: String) -> Option<Live> {
    let text = |name: &str| Some(answer.get(name)?.as_str()?.to_owned());
    Some(Live {
        kind: ForgeKind::Gitlab,
        host,
        repository: answer.get("target_project_id")?.as_u64()?,
        number: answer.get("iid")?.as_u64()?,
        open: answer.get("state")?.as_str()? == "opened",
        base: text("target_branch")?,
        branch: text("source_branch")?,
        head: text("sha")?,
        head_repository: answer.get("source_project_id").and_then(Value::as_u64).unwrap_or_default(),
        body: text("description").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github() -> Value {
        json!({
            "number": 12, "state": "open", "body": "text",
            "base": {"ref": "main", "repo": {"id": 101}},
            "head": {"ref": "countersign/x", "sha": "b".repeat(40), "repo": {"id": 101}},
        })
    }

    #[test]
    fn both_forges_answers_are_read_alike() {
        let gitlab = json!({
            "iid": 12, "state": "opened", "description": "text", "target_project_id": 101, "source_project_id": 101,
            "target_branch": "main", "source_branch": "countersign/x", "sha": "b".repeat(40),
        });
        let (one, other) =
            (of_github(&github(), "h".into()).expect("read"), of_gitlab(&gitlab, "h".into()).expect("read"));
        assert_eq!(one, Live { kind: ForgeKind::Github, ..other });
        assert!(one.open && one.head_repository == one.repository);
    }

    #[test]
    fn what_is_missing_is_not_guessed() {
        for path in ["/number", "/state", "/base/ref", "/base/repo/id", "/head/ref", "/head/sha"] {
            let mut answer = github();
            *answer.pointer_mut(path).expect("a member") = Value::Null;
            assert_eq!(of_github(&answer, "h".into()), None, "{path}");
        }
        let mut fork = github();
        fork["head"]["repo"] = Value::Null;
        assert_eq!(of_github(&fork, "h".into()).expect("read").head_repository, 0, "a fork that is gone");
    }

    #[test]
    fn the_host_is_the_one_that_is_asked() {
        assert_eq!(host("github", None).expect("a host"), "github.com");
        assert_eq!(host("github", Some("https://api.github.com")).expect("a host"), "github.com");
        assert_eq!(host("gitlab", Some("https://git.acme.internal/")).expect("a host"), "git.acme.internal");
        assert!(host("gitlab", Some("nowhere")).is_err());
    }
}
