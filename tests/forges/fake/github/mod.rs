//! A GitHub that holds one repository: the endpoints that countersign uses, with whole objects, real objects of git, and
//! GitHub's own rules for tokens, permissions and refusals.

mod auth;
mod checks;
mod deployments;
mod events;
mod git;
mod hub;
mod objects;
mod people;
mod pulls;
mod rules;
mod threads;

pub use auth::Grant;
pub use hub::Hub;

use super::Fake;
use crate::stand::{ID, NAME, Server};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use axum::Router;
use axum::routing::{get, patch, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::cli::demo::HandClock;
use countersign::domain::facts::User;
use countersign::forge::local::LocalPlace;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub const APP: u64 = 1234;
pub const INSTALLATION: u64 = 987;
pub const BOT: u64 = 9001;

/// The App's user.
pub fn bot() -> User {
    User { id: BOT, login: "countersign[bot]".into() }
}

/// The App's private and public key, PEM; made once.
pub fn keys() -> &'static (String, String) {
    static KEYS: OnceLock<(String, String)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", public.as_ref()))
    })
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Starts the server; answers it with what the settings say of it.
pub async fn serve(home: &Path, place: LocalPlace, clock: &HandClock, commits: &str) -> Server {
    let key = home.join("app.pem");
    std::fs::write(&key, &keys().0).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut made = None;
    let fake = Fake::start(|url| {
        let hub = Arc::new(Hub::new(url, place, clock.clone(), home));
        made = Some(hub.clone());
        routes(hub)
    })
    .await;
    let forge = format!(
        "\n[[github]]\nhost = \"git.example\"\napi = \"{}/api/v3\"\napp = {APP}\nprivate_key_file = {key:?}\ncommits = \"{commits}\"\nwebhook_secret_files = [\"hook.secret\"]\n",
        fake.url()
    );
    let repository = format!("forge = \"github\"\nhost = \"git.example\"\ninstallation = {INSTALLATION}");
    Server { fake, forge, repository, hub: made, lab: None }
}

fn routes(hub: Arc<Hub>) -> Router {
    let repository = Router::new()
        .route("/", get(git::repository))
        .route("/git/ref/{*name}", get(git::reference))
        .route("/git/refs", post(git::make_reference))
        .route("/git/blobs", post(git::make_blob))
        .route("/git/trees", post(git::make_tree))
        .route("/git/commits", post(git::make_commit))
        .route("/commits/{sha}", get(git::commit))
        .route("/commits/{sha}/check-runs", get(checks::list))
        .route("/commits/{sha}/status", get(checks::statuses))
        .route("/deployments", get(deployments::list))
        .route("/deployments/{number}/statuses", get(deployments::statuses))
        .route("/check-runs", post(checks::make))
        .route("/check-runs/{run}", patch(checks::change))
        .route("/pulls", get(pulls::list).post(pulls::open))
        .route("/pulls/{number}", get(pulls::one).patch(pulls::change))
        .route("/pulls/{number}/reviews", get(threads::reviews))
        .route("/pulls/{number}/requested_reviewers", post(threads::request_review))
        .route("/pulls/{number}/merge", put(pulls::merge))
        .route("/issues/{number}", get(threads::issue))
        .route("/issues/{number}/labels", post(threads::label))
        .route("/issues/{number}/comments", get(threads::comments).post(threads::say))
        .route("/issues/comments/{comment}", patch(threads::edit))
        .route("/collaborators/{login}/permission", get(people::permission))
        .route("/rules/branches/{branch}", get(rules::of_branch))
        .route("/branches/{branch}", get(rules::branch));
    let api = Router::new()
        .route("/app", get(people::app))
        .route("/app/installations/{installation}/access_tokens", post(auth::mint))
        .route("/app/hook/deliveries", get(people::deliveries))
        .route("/app/hook/deliveries/{delivery}/attempts", post(people::redeliver))
        .route("/users/{login}", get(people::user))
        .nest(&format!("/repos/{NAME}"), repository.clone())
        .nest(&format!("/repositories/{ID}"), repository);
    Router::new()
        .nest("/api/v3", api)
        .route("/api/graphql", post(rules::graphql))
        .route("/acme/{repository}/info/refs", get(git::advertise))
        .route("/acme/{repository}/git-upload-pack", post(git::upload_pack))
        .route("/acme/{repository}/git-receive-pack", post(git::receive_pack))
        .layer(axum::middleware::from_fn_with_state(hub.clone(), hub::finish))
        .with_state(hub)
}

/// No token in an address, and every token only where it belongs.
pub fn secrets_stayed_secret(fake: &Fake) {
    for exchange in fake.log.all() {
        assert!(!exchange.uri.contains("ghs_"), "a token in {}", exchange.uri);
        assert!(
            !String::from_utf8_lossy(&exchange.body).contains("ghs_"),
            "a token in the body of {}",
            exchange.line()
        );
    }
}
