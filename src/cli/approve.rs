//! `approve`: signs an approval or a rejection with the approver's own key, and hands it in when asked to.
//!
//! Must not sign anything whose digest was not given: what a service answers only fills in the rest.

use super::remote::{Server, refused};
use super::{Output, Status, print_json, read_input};
use crate::app::system_clock;
use crate::config::{random, read_signer};
use crate::domain::approval::{Alg, Claims, LIFE, LIFE_TIER_3, Says, mint};
use crate::domain::ids::Digest;
use crate::domain::proposal::{ActionKind, Sealed};
use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// How long a token lives when nothing is said, seconds.
const DEFAULT_LIFE: u64 = 600;

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The proposal as you read it, JSON or YAML; `-` is standard input. Instead of --digest.
    #[arg(required_unless_present = "digest", conflicts_with = "digest")]
    file: Option<PathBuf>,
    /// The digest of the proposal, `sha256:...`.
    #[arg(long, value_parser = read_digest)]
    digest: Option<Digest>,
    /// The proposal's id, the service's or the sender's; that of the file when left out.
    #[arg(long, value_name = "ID")]
    proposal: Option<String>,
    /// `<instance>/<tenant>`; asked of the service when left out.
    #[arg(long)]
    audience: Option<String>,
    /// The action kind; that of the file, or asked of the service, when left out.
    #[arg(long, value_name = "KIND")]
    action: Option<String>,
    /// The class's key; asked of the service when left out.
    #[arg(long, value_name = "SHA256")]
    class: Option<Digest>,
    /// The tier; asked of the service when left out.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    tier: Option<u8>,
    /// The plan the proposal is a step of; that of the file when left out.
    #[arg(long, requires = "step")]
    plan: Option<String>,
    /// Which step of the plan.
    #[arg(long, requires = "plan")]
    step: Option<u32>,
    /// Your id in the service's settings.
    #[arg(long, value_name = "ID")]
    approver: String,
    /// The issuer the settings name for you; your id when left out.
    #[arg(long)]
    issuer: Option<String>,
    /// Your private key, PKCS#8 PEM: `countersign keys generate --approver ID` makes one.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write the algorithm as `Ed25519`, where the settings pin that.
    #[arg(long)]
    ed25519: bool,
    /// How long the token may be used, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_LIFE)]
    life: u64,
    /// Reject it, for this reason, which the proposer reads.
    #[arg(long, value_name = "REASON")]
    reject: Option<String>,
    /// Hand the token in at the service.
    #[arg(long)]
    send: bool,
    #[command(flatten)]
    server: Server,
}

fn read_digest(text: &str) -> Result<Digest, String> {
    text.strip_prefix("sha256:").unwrap_or(text).parse()
}

/// What is signed for, from the file or the options.
struct Subject {
    digest: Digest,
    proposal: String,
    action: Option<String>,
    plan: Option<(String, u32)>,
}

pub(super) async fn approve(args: ApproveArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let subject = subject(&args)?;
    let claims = match claims(&args, &subject).await? {
        Ok(claims) => claims,
        Err(why) => return refused(&why, output, out),
    };
    let alg = if args.ed25519 { Alg::Ed25519 } else { Alg::EdDSA };
    let token = mint(&claims, alg, &read_signer(&args.key)?);
    if !args.send {
        match output {
            Output::Json => print_json(out, &json!({"token": token, "claims": claims}))?,
            Output::Text => writeln!(out, "{token}")?,
        }
        return Ok(Status::Done);
    }
    send(&args, &subject, claims.dec, &token, output, out).await
}

fn subject(args: &ApproveArgs) -> anyhow::Result<Subject> {
    let sealed = match &args.file {
        Some(path) => {
            let sealed = Sealed::read(&read_input(path)?);
            Some(sealed.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?)
        }
        None => None,
    };
    let asked = sealed.as_ref().map(|sealed| &sealed.proposal);
    let own = asked.and_then(|asked| asked.id.clone());
    let proposal =
        args.proposal.clone().or(own).context("name the proposal with --proposal: the file gives it no id")?;
    ensure!(is_id(&proposal), "`{proposal}` is not an id of a proposal");
    let plan = args.plan.clone().zip(args.step);
    let theirs = asked.and_then(|asked| asked.plan.as_ref()).map(|plan| (plan.id.clone(), plan.step));
    let action = args.action.clone().or_else(|| asked.map(|asked| asked.action_kind.name()));
    if let Some(action) = &action {
        serde_json::from_value::<ActionKind>(json!(action))
            .map_err(|_| anyhow::anyhow!("`{action}` is no action kind"))?;
    }
    let digest = args.digest.or_else(|| sealed.as_ref().map(|sealed| sealed.digest));
    Ok(Subject {
        digest: digest.context("give the proposal or its --digest")?,
        proposal,
        action,
        plan: plan.or(theirs),
    })
}

fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// The claims; what was not given is asked of the service, whose digest must be the one that is signed for.
async fn claims(args: &ApproveArgs, subject: &Subject) -> anyhow::Result<Result<Claims, String>> {
    let complete = args.audience.is_some() && args.class.is_some() && args.tier.is_some() && subject.action.is_some();
    let answer = if complete {
        Value::Null
    } else {
        let path = format!("/v1/proposals/{}/approvals", subject.proposal);
        match args.server.ask(reqwest::Method::GET, &path, None).await? {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(why)),
        }
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    if !complete && text("digest") != Some(subject.digest.to_string()) {
        let there = text("digest").unwrap_or_default();
        return Ok(Err(format!("the service has digest {there} for `{}`, not {}", subject.proposal, subject.digest)));
    }
    let class = args.class.or_else(|| text("class").and_then(|class| class.parse().ok()));
    let tier =
        args.tier.or_else(|| answer.get("tier").and_then(Value::as_u64).and_then(|tier| u8::try_from(tier).ok()));
    let (Some(class), Some(tier)) = (class, tier) else {
        return Ok(Err("its effect is not computed yet: try again in a moment".into()));
    };
    let audience = args.audience.clone().or_else(|| text("audience")).context("the service names no audience")?;
    let action = subject.action.clone().or_else(|| text("actionKind")).context("the service names no action kind")?;
    fill(args, subject, audience, action, class, tier).map(Ok)
}

fn fill(
    args: &ApproveArgs,
    subject: &Subject,
    audience: String,
    action: String,
    class: Digest,
    tier: u8,
) -> anyhow::Result<Claims> {
    let most = if tier == 3 { LIFE_TIER_3 } else { LIFE };
    ensure!((1..=most).contains(&args.life), "--life: 1 to {most} seconds for tier {tier}");
    let (_, tenant) = audience.rsplit_once('/').context("--audience is `<instance>/<tenant>`")?;
    let now = u64::try_from(system_clock()().seconds()).context("the clock stands before 1970")?;
    Ok(Claims {
        iss: args.issuer.clone().unwrap_or_else(|| args.approver.clone()),
        tnt: tenant.parse().map_err(|reason: String| anyhow::anyhow!("--audience: {reason}"))?,
        aud: audience,
        sub: args.approver.clone(),
        iat: now,
        nbf: now,
        exp: now + args.life,
        jti: uuid::Builder::from_random_bytes(random()?).into_uuid().to_string(),
        prp: subject.proposal.clone(),
        dig: subject.digest,
        act: action,
        cls: class,
        tier,
        dec: if args.reject.is_some() { Says::Reject } else { Says::Approve },
        rsn: args.reject.clone(),
        plan: subject.plan.as_ref().map(|(plan, _)| plan.clone()),
        step: subject.plan.as_ref().map(|(_, step)| *step),
        amr: None,
    })
}

async fn send(
    args: &ApproveArgs,
    subject: &Subject,
    says: Says,
    token: &str,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let route = match says {
        Says::Approve => "approvals",
        Says::Reject => "rejection",
    };
    let path = format!("/v1/proposals/{}/{route}", subject.proposal);
    let body = serde_json::to_vec(&json!({ "token": token }))?;
    match args.server.ask(reqwest::Method::POST, &path, Some(body)).await? {
        Err(why) => refused(&why, output, out),
        Ok(answer) => {
            match output {
                Output::Json => print_json(out, &answer)?,
                Output::Text => writeln!(out, "{}", said(&answer))?,
            }
            Ok(Status::Done)
        }
    }
}

/// `redeemed: 1 of 2 approvals` or `rejected`.
fn said(answer: &Value) -> String {
    if answer.get("rejection").is_some_and(|rejection| !rejection.is_null()) {
        return "rejected".into();
    }
    let there = answer.get("approvals").and_then(Value::as_array).map_or(0, Vec::len);
    let needed = answer.get("needed").and_then(Value::as_u64).unwrap_or_default();
    format!("redeemed: {there} approvals there, {needed} needed")
}
