//! The page on this machine from which an operator registers a GitHub App.
//!
//! Must not be part of the service: it lives for the minutes of a registration, on the loopback address alone.

use crate::render::page::{Page, Pages};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// What a registration is about.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The host of the forge, for people.
    pub host: String,
    /// Where the form is sent, with the state in its query.
    pub target: String,
    /// The origin of that address.
    pub origin: String,
    /// The manifest, JSON.
    pub manifest: String,
    /// What comes back with the code, unguessable.
    pub state: String,
    /// Where this page is, `127.0.0.1:4711`.
    pub here: String,
}

/// A code that the forge gave, and where to say what it came to: the address to go on at, or why not.
pub type Given = (String, oneshot::Sender<Result<String, String>>);

struct Desk {
    setup: Setup,
    pages: Pages,
    given: mpsc::Sender<Given>,
}

#[derive(Serialize)]
struct Shown<'a> {
    title: &'a str,
    text: &'a str,
    host: &'a str,
    target: Option<&'a str>,
    manifest: &'a str,
    next: Option<&'a str>,
}

/// What the forge sends the browser back with.
#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// Serves the page until it is told to stop; codes go to `given`.
pub async fn serve(
    listener: TcpListener,
    setup: Setup,
    given: mpsc::Sender<Given>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let stopped = async move { stop.cancelled().await };
    axum::serve(listener, router(setup, given)).with_graceful_shutdown(stopped).await
}

fn router(setup: Setup, given: mpsc::Sender<Given>) -> Router {
    let desk = Arc::new(Desk { setup, pages: Pages::new(), given });
    Router::new().route("/", get(form)).route("/callback", get(back)).with_state(desk)
}

async fn form(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if !desk.is_here(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let text = "The button sends the App's name, permissions and events to the forge, which asks you to confirm them.";
    let target = Some(desk.setup.target.as_str());
    desk.page(StatusCode::OK, "Register countersign as a GitHub App", text, target, None)
}

async fn back(State(desk): State<Arc<Desk>>, headers: HeaderMap, Query(back): Query<Back>) -> Response {
    if !desk.is_here(&headers) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let same: bool = back.state.as_bytes().ct_eq(desk.setup.state.as_bytes()).into();
    if !same {
        let text = "The answer does not belong to this registration: go back to the first page and press the button.";
        return desk.page(StatusCode::BAD_REQUEST, "Not registered", text, None, None);
    }
    if !is_code(&back.code) {
        let text = "The forge gave no code: go back to the first page and press the button.";
        return desk.page(StatusCode::BAD_REQUEST, "Not registered", text, None, None);
    }
    let (say, said) = oneshot::channel();
    let sent = desk.given.send((back.code, say)).await;
    match (sent, said.await) {
        (Ok(()), Ok(Ok(next))) => {
            let text = "The App is registered and its key is kept. Go on in the terminal, and install the App.";
            desk.page(StatusCode::OK, "Registered", text, None, Some(&next))
        }
        (Ok(()), Ok(Err(why))) => desk.page(StatusCode::BAD_GATEWAY, "Not registered", &why, None, None),
        (Ok(()), Err(_)) | (Err(_), _) => {
            desk.page(StatusCode::GONE, "Not registered", "The registration is over: start it again.", None, None)
        }
    }
}

/// Letters, digits, `-` and `_`: it becomes part of an address.
fn is_code(code: &str) -> bool {
    (1..=128).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl Desk {
    /// Whether the browser means this page, and not a name that somebody made point here.
    fn is_here(&self, headers: &HeaderMap) -> bool {
        headers.get(header::HOST).is_some_and(|host| host.as_bytes() == self.setup.here.as_bytes())
    }

    fn page(&self, status: StatusCode, title: &str, text: &str, target: Option<&str>, next: Option<&str>) -> Response {
        let Setup { host, manifest, origin, .. } = &self.setup;
        let rendered = self.pages.render(Page::Setup, &Shown { title, text, host, target, manifest, next });
        let Ok(html) = rendered else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let policy = format!("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action {origin}");
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}
