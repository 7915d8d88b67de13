//! Git's smart protocol over HTTP, by `git upload-pack` and `git receive-pack` of the git that is installed.
//!
//! libgit2 has no serving side: without git nothing here can be served, and the tests say `skipped`.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Whether there is a git to serve with.
pub fn installed() -> bool {
    std::process::Command::new("git").arg("--version").output().is_ok_and(|out| out.status.success())
}

/// The user and password of basic authorization.
pub fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// The refs of a repository for one of the two services.
pub async fn refs(bare: &Path, service: &str) -> Response {
    let Some(mut command) = serving(bare, service, true) else { return status(403) };
    let output = command.output().await.unwrap();
    let first = format!("# service={service}\n");
    let mut bytes = format!("{:04x}{first}0000", first.len() + 4).into_bytes();
    bytes.extend(output.stdout);
    answer(bytes, &format!("application/x-{service}-advertisement"))
}

/// One request of one of the two services.
pub async fn exchange(bare: &Path, service: &str, body: Bytes) -> Response {
    let Some(mut command) = serving(bare, service, false) else { return status(403) };
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let fed = tokio::spawn(async move {
        let _ = input.write_all(&body).await;
    });
    let output = child.wait_with_output().await.unwrap();
    fed.await.unwrap();
    answer(output.stdout, &format!("application/x-{service}-result"))
}

fn serving(bare: &Path, service: &str, refs: bool) -> Option<Command> {
    let verb = service.strip_prefix("git-").filter(|verb| ["upload-pack", "receive-pack"].contains(verb))?;
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for setting in [
        "safe.directory=*",
        "transfer.hideRefs=refs/countersign",
        "uploadpack.allowAnySHA1InWant=true",
        "receive.denyDeletes=false",
    ] {
        command.args(["-c", setting]);
    }
    command.args([verb, "--stateless-rpc"]);
    if refs {
        command.arg(if verb == "upload-pack" { "--advertise-refs" } else { "--http-backend-info-refs" });
    }
    command.arg(bare).kill_on_drop(true);
    Some(command)
}

fn answer(bytes: Vec<u8>, kind: &str) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert("content-type", HeaderValue::from_str(kind).unwrap());
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-cache"));
    response
}

/// An empty answer.
pub fn status(code: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    if code == 401 {
        let wants = HeaderValue::from_static("Basic realm=\"git\"");
        response.headers_mut().insert("www-authenticate", wants);
    }
    response
}
