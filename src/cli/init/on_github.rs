//! Registers a GitHub App from a manifest: one button, one confirmation, and the key is kept.
//!
//! Must not send the code anywhere but to the forge that gave it, nor let the key pass through the browser.

use super::{address, folder, host};
use crate::cli::{Output, Status, print_json};
use crate::config::{Vault, random_hex};
use crate::web::setup::{Given, Setup, serve};
use anyhow::{Context as _, ensure};
use clap::Args;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the App is asked for; the file that operators can read and post themselves.
const MANIFEST: &str = include_str!("../../../deploy/github-app-manifest.json");
/// The most bytes of GitHub's answer.
const MOST: usize = 1 << 20;
/// How long GitHub keeps a code: nobody presses the button later.
const PATIENCE: Duration = Duration::from_secs(3_600);

#[derive(Debug, Args)]
pub(super) struct GithubArgs {
    /// GitHub, or a GitHub Enterprise Server.
    #[arg(long, default_value = "github.com", value_parser = host)]
    host: String,
    /// Where its REST API is, when that is neither https://api.github.com nor https://HOST/api/v3.
    #[arg(long, value_name = "URL", value_parser = address)]
    api: Option<String>,
    /// The organization that owns the App; you, when left out.
    #[arg(long, value_name = "NAME", value_parser = organization)]
    organization: Option<String>,
    /// The App's name, unique at the host.
    #[arg(long, default_value = "countersign")]
    name: String,
    /// Where GitHub reaches the service; without it there are no webhooks, and changes are seen every 60 s.
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<String>,
    /// Where the key and the webhook secret are kept; `secrets` beside the settings when left out.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The port of the page on this machine; a free one when left out.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

fn organization(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match (1..=39).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("write the organization's login".into()),
    }
}

/// What GitHub gives once.
#[derive(Deserialize)]
struct Converted {
    id: u64,
    slug: String,
    html_url: String,
    pem: SecretString,
    #[serde(default)]
    webhook_secret: Option<SecretString>,
}

/// A registered App whose secrets are kept.
struct Kept {
    app: u64,
    slug: String,
    install: String,
    folder: PathBuf,
    secret: bool,
}

pub(super) async fn run(
    args: GithubArgs,
    config: Option<&Path>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let folder = folder(args.directory.as_ref(), config)?;
    // Made before anybody presses a button: GitHub gives the key once.
    let vault = Vault::make(&folder)?;
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.context("cannot listen on this machine")?;
    let here = listener.local_addr()?.to_string();
    let state = random_hex()?;
    let setup = setup(&args, &here, &state)?;
    writeln!(std::io::stderr(), "open http://{here}/ in a browser on this machine and press the button")?;
    let (give, mut given) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, setup, give, stop.clone()));
    let waited = tokio::time::timeout(PATIENCE, registered(&args, &folder, vault, &mut given)).await;
    stop.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(5), served).await;
    let kept = waited.context("nobody pressed the button within an hour: start again")??;
    print(&args, &kept, output, out)?;
    Ok(Status::Done)
}

/// The manifest and where its form goes.
fn setup(args: &GithubArgs, here: &str, state: &str) -> anyhow::Result<Setup> {
    let origin = format!("https://{}", args.host);
    let place = match &args.organization {
        Some(name) => format!("organizations/{name}/settings/apps/new"),
        None => "settings/apps/new".into(),
    };
    let mut manifest: Value = serde_json::from_str(MANIFEST)?;
    manifest["name"] = json!(args.name);
    manifest["url"] = json!(args.url.as_ref().unwrap_or(&origin));
    manifest["redirect_url"] = json!(format!("http://{here}/callback"));
    manifest["hook_attributes"] = match &args.url {
        Some(url) => json!({"url": format!("{url}/webhooks/github"), "active": true}),
        None => json!({"url": format!("{origin}/webhooks-are-off"), "active": false}),
    };
    Ok(Setup {
        host: args.host.clone(),
        target: format!("{origin}/{place}?state={state}"),
        origin,
        manifest: manifest.to_string(),
        state: state.to_owned(),
        here: here.to_owned(),
    })
}

/// Takes the first code that GitHub turns into an App and keeps what comes with it.
async fn registered(
    args: &GithubArgs,
    folder: &Path,
    vault: Vault,
    given: &mut mpsc::Receiver<Given>,
) -> anyhow::Result<Kept> {
    loop {
        let (code, say) = given.recv().await.context("the page broke off")?;
        match convert(args, &code).await {
            Ok(converted) => {
                let kept = keep(folder, vault, &converted);
                let told = kept.as_ref().map(|kept| kept.install.clone()).map_err(|error| format!("{error:#}"));
                let _ = say.send(told);
                return kept;
            }
            Err(error) => {
                let why = format!("{error:#}: go back to the first page and press the button again");
                writeln!(std::io::stderr(), "{why}")?;
                let _ = say.send(Err(why));
            }
        }
    }
}

/// Turns a code into an App.
async fn convert(args: &GithubArgs, code: &str) -> anyhow::Result<Converted> {
    let api = match (&args.api, args.host.as_str()) {
        (Some(api), _) => api.clone(),
        (None, "github.com") => "https://api.github.com".into(),
        (None, host) => format!("https://{host}/api/v3"),
    };
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("countersign")
        .build()?;
    let url = format!("{api}/app-manifests/{code}/conversions");
    let request = client.post(&url).header("accept", "application/vnd.github+json");
    let mut answer = request.send().await.map_err(|error| error.without_url()).context("GitHub did not answer")?;
    let status = answer.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.without_url())? {
        bytes.extend_from_slice(&chunk);
        ensure!(bytes.len() <= MOST, "GitHub's answer has more than {MOST} bytes");
    }
    ensure!(status == reqwest::StatusCode::CREATED, "GitHub answers {status} to the code");
    // The cause is not shown: it may quote the answer.
    let converted: Converted =
        serde_json::from_slice(&bytes).map_err(|_| anyhow::anyhow!("GitHub's answer is not an App"))?;
    ensure!(converted.id > 0 && is_slug(&converted.slug), "GitHub's answer is not an App");
    Ok(converted)
}

fn is_slug(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn keep(folder: &Path, vault: Vault, converted: &Converted) -> anyhow::Result<Kept> {
    let place = folder.join(format!("github-app-{}", converted.id));
    let mut files = vec![("private-key.pem", &converted.pem)];
    files.extend(converted.webhook_secret.iter().map(|secret| ("webhook-secret", secret)));
    vault.keep(&place, &files)?;
    let page = url::Url::parse(&converted.html_url).ok().filter(|url| url.scheme() == "https");
    let install = page.map(|url| format!("{}/installations/new", url.as_str().trim_end_matches('/')));
    Ok(Kept {
        app: converted.id,
        slug: converted.slug.clone(),
        install: install.unwrap_or_default(),
        folder: place,
        secret: converted.webhook_secret.is_some(),
    })
}

fn print(args: &GithubArgs, kept: &Kept, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    let at = |name: &str| kept.folder.join(name).display().to_string();
    let mut settings = format!(
        "[[github]]\nhost = \"{}\"\napp = {}\nprivate_key_file = {}\n",
        args.host,
        kept.app,
        json!(at("private-key.pem"))
    );
    if let Some(api) = &args.api {
        settings.push_str(&format!("api = {}\n", json!(api)));
    }
    if kept.secret && args.url.is_some() {
        settings.push_str(&format!("webhook_secret_files = [{}]\n", json!(at("webhook-secret"))));
    }
    if output == Output::Json {
        let answer = json!({"app": kept.app, "slug": kept.slug, "install": kept.install, "directory": kept.folder,
            "settings": settings});
        return print_json(out, &answer);
    }
    writeln!(out, "registered App {} ({}); its key is in {}\n", kept.app, kept.slug, kept.folder.display())?;
    writeln!(out, "put this into the settings:\n\n{settings}")?;
    writeln!(out, "install it on repositories: {}", kept.install)?;
    writeln!(out, "then list each below its tenant, with the number at the end of the installation's address:\n")?;
    writeln!(
        out,
        "[[tenant.repository]]\nforge = \"github\"\nhost = \"{}\"\nname = \"owner/name\"\nid = <the repository's number>\ninstallation = <the installation's number>\n",
        args.host
    )?;
    writeln!(out, "`countersign doctor` says whether all of it fits")?;
    Ok(())
}
