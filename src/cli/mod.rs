//! The command line: reads arguments, calls the parts, prints for people or programs.
//!
//! Must not decide anything about a proposal.

mod admin;
mod approve;
mod audit;
mod clean;
mod config;
pub mod demo;
mod doctor;
mod folder;
mod init;
mod keys;
mod local;
mod paint;
mod policy;
mod pr;
mod prove;
mod proving;
pub mod pull;
mod remote;
mod tenant;
mod tokens;
mod trust;
mod words;

use crate::app;
use crate::config::Settings;
use crate::engine::rego;
use crate::forge::local::Faults;
use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a command ended; errors are told apart from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Exit code 0.
    Done,
    /// Exit code 3.
    Refused,
    /// Exit code 4.
    NotProven,
}

/// Turns approved remediation proposals into attested pull requests on GitOps repositories.
///
/// Exit codes: 0 done, 1 error, 2 usage, 3 refused, 4 not proven.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true)]
struct Cli {
    /// How answers are printed.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Output,
    /// The service's settings.
    #[arg(long, global = true, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the whole path on a sample repository: proposals, pull requests, merges, outcomes, proofs.
    Demo(demo::DemoArgs),
    /// Runs the service.
    Serve,
    /// Makes countersign known to a forge.
    Init(init::InitArgs),
    /// Checks credentials, rights, webhooks, keys, the database and every repository; exit code 3 when one is bad.
    Doctor(doctor::DoctorArgs),
    /// Sends a proposal to a running service.
    Propose(remote::ProposeArgs),
    /// Shows what a proposal would change, without changing it.
    Plan(local::PlanArgs),
    /// Makes a proposal's changes in the files of a folder.
    Apply(local::ApplyArgs),
    /// Prints the digest of a proposal.
    Digest(local::DigestArgs),
    /// Signs an approval or a rejection of a proposal with your own key.
    Approve(approve::ApproveArgs),
    /// Verifies the attestation in a pull request's body, offline, or a pull request as its forge shows it.
    Verify(prove::VerifyArgs),
    /// Applies a proposal again and compares the trees.
    Replay(prove::ReplayArgs),
    /// Says why a proposal is where it is.
    Explain(remote::ExplainArgs),
    /// Acts as a person on the pull requests of a local repository.
    Pull(pull::PullArgs),
    /// Shows, replays and simulates track records.
    Trust(trust::TrustArgs),
    /// Exports the audit log, proves what stands in it, and verifies both.
    Audit(audit::AuditArgs),
    /// Makes, lists, rotates, revokes and publishes keys.
    Keys(keys::KeysArgs),
    /// Deletes a tenant.
    Tenant(tenant::TenantArgs),
    /// Makes, lists and revokes tokens.
    Token(admin::TokenArgs),
    /// Checks settings and repository configs.
    Config(config::ConfigArgs),
    /// Tries policies written in Rego.
    Policy(policy::PolicyArgs),
    /// Prints the schemas.
    Schema(admin::SchemaArgs),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    // Before anything else is set up: the child lives under limits.
    if std::env::args_os().nth(1).is_some_and(|word| word == rego::CHILD) {
        return if rego::child() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let cli = Cli::parse();
    let mut out = std::io::stdout().lock();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("the runtime cannot be started")),
    };
    let result =
        runtime.block_on(run(cli, &mut out)).and_then(|status| out.flush().map(|()| status).map_err(Into::into));
    match result {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Refused) => ExitCode::from(3),
        Ok(Status::NotProven) => ExitCode::from(4),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // Nothing is left to tell it to when standard error is gone.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

async fn run(cli: Cli, out: &mut dyn Write) -> anyhow::Result<Status> {
    let Cli { output, config, command } = cli;
    let settings = || load(config.as_deref());
    match command {
        Command::Demo(args) => demo::run(args, output, out).await,
        Command::Serve => serve(settings()?).await,
        Command::Init(args) => init::run(args, config.as_deref(), output, out).await,
        Command::Doctor(args) => doctor::run(&args, &settings, output, out).await,
        Command::Propose(args) => remote::propose(args, output, out).await,
        Command::Plan(args) => local::plan(&args, output, out),
        Command::Apply(args) => local::apply(&args, output, out),
        Command::Digest(args) => local::digest(&args, output, out),
        Command::Approve(args) => approve::approve(args, output, out).await,
        Command::Verify(args) => match (args.what, args.body) {
            (Some(prove::What::Pr(args)), _) => {
                pr::run(&args, &|name: &str| local(&settings()?, name), output, out).await
            }
            (None, Some(args)) => prove::verify(&args, output, out),
            (None, None) => anyhow::bail!("name the body with --body and the key with --key, or use `verify pr`"),
        },
        Command::Replay(args) => prove::replay(&args, output, out),
        Command::Explain(args) => remote::explain(args, output, out).await,
        Command::Pull(args) => {
            let settings = settings()?;
            let resolve = |name: &str| local(&settings, name);
            pull::run(args, &resolve, app::system_clock(), output, out).await?;
            Ok(Status::Done)
        }
        Command::Trust(args) => trust::trust(args, output, out).await,
        Command::Audit(args) => audit::run(args, &settings, output, out).await,
        Command::Keys(args) => keys::keys(&args, &settings, output, out),
        Command::Tenant(args) => tenant::tenant(&args, &settings, output, out).await,
        Command::Token(args) => admin::token(&args, output, out).await,
        Command::Config(args) => config::config(&args, &settings, output, out),
        Command::Policy(args) => policy::policy(&args, output, out).await,
        Command::Schema(args) => admin::schema(&args, out),
    }
}

/// Where a local repository is.
fn local(settings: &Settings, name: &str) -> anyhow::Result<crate::forge::local::LocalPlace> {
    let found = settings.find(crate::domain::ids::ForgeKind::Local, name);
    let (_, repository) = found.with_context(|| format!("the settings list no local repository `{name}`"))?;
    app::local_place(repository)
}

fn load(path: Option<&std::path::Path>) -> anyhow::Result<Settings> {
    let path = path.context("name the service's settings with --config FILE or COUNTERSIGN_CONFIG")?;
    Settings::load(path, &|name| std::env::var(name).ok())
}

async fn serve(settings: Settings) -> anyhow::Result<Status> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("COUNTERSIGN_LOG").unwrap_or_else(|_| "info".into());
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(clean::stderr).init();
    // What a panic says goes the same way as every line.
    std::panic::set_hook(Box::new(|why| tracing::error!("{why}")));
    let parts = app::Parts::open(settings, app::system_clock(), Faults::default()).await?;
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            wait_for_signal().await;
            stop.cancel();
        }
    });
    app::serve(parts, stop).await?;
    Ok(Status::Done)
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Prints a JSON document and a newline.
pub(crate) fn print_json(out: &mut dyn Write, value: &impl serde::Serialize) -> anyhow::Result<()> {
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(())
}

/// The most that is read from a file or from standard input, bytes.
const MAX_INPUT: usize = 8 << 20;

/// Reads a file, or standard input for `-`; an error when it has more than any document may have.
pub(crate) fn read_input(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    read_at_most(path, MAX_INPUT)?.with_context(|| format!("{} has more than {MAX_INPUT} bytes", path.display()))
}

/// Reads a file, or standard input for `-`; none when it has more bytes than this.
pub(crate) fn read_at_most(path: &std::path::Path, most: usize) -> anyhow::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let limit = most as u64 + 1;
    if path == std::path::Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(limit).read_to_end(&mut bytes));
        read.with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(Some(bytes).filter(|bytes| bytes.len() <= most))
}
