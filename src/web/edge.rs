//! The outermost layers: ids, limits, timeouts, headers, and errors in their one form.
//!
//! Must not log a header that proves who calls, nor a body.

use super::Shared;
use super::problem::{Document, PROBLEM_JSON, Problem};
use crate::render::page::Page;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use std::any::Any;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnFailure, TraceLayer};
use uuid::Uuid;

/// The most bytes a body may have, except an event's.
pub(super) const MAX_BODY: usize = 1 << 20;
/// The most bytes of an event: what GitHub sends at most.
const MAX_EVENT: usize = 25 << 20;
/// How many bodies over `MAX_BODY` are held in memory at once.
const LARGE_AT_ONCE: usize = 4;
/// The places of large bodies.
static LARGE: Semaphore = Semaphore::const_new(LARGE_AT_ONCE);
/// How long a request may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);
/// The header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Pages hold no script and load nothing but the stylesheet.
const CSP: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Puts the layers around a router.
pub(super) fn wrap(router: Router, shared: Arc<Shared>) -> Router {
    let secret = [
        header::AUTHORIZATION,
        header::COOKIE,
        HeaderName::from_static("x-countersign-signature-256"),
        HeaderName::from_static("x-hub-signature-256"),
        HeaderName::from_static("x-hub-signature"),
        HeaderName::from_static("x-gitlab-token"),
        HeaderName::from_static("webhook-signature"),
        HeaderName::from_static("x-signature"),
        HeaderName::from_static("x-countersign-signature-ed25519"),
    ];
    let layers = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new(secret))
        .layer(from_fn_with_state(shared, finish))
        .layer(SetResponseHeaderLayer::if_not_present(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP)))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_failure(DefaultOnFailure::new().level(tracing::Level::DEBUG)),
        )
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(RequestBodyLimitLayer::new(MAX_EVENT));
    router.layer(layers)
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// The id of a request, made here and never taken from the caller.
#[derive(Clone, Debug)]
struct RequestId(Uuid);

fn span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    // Without the query: it may hold what a caller searched for.
    tracing::info_span!("request", id = ?id, method = %request.method(), path = request.uri().path())
}

/// Gives the request an id, and every failure its one form.
async fn finish(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(id));
    let asks_page = matches!(*request.method(), Method::GET | Method::POST)
        && !request.uri().path().starts_with("/v1/")
        && !request.uri().path().starts_with("/webhooks/")
        && accepts_html(request.headers().get(header::ACCEPT));
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = failed(&shared, response, id, &path, asks_page);
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn accepts_html(accept: Option<&HeaderValue>) -> bool {
    accept.and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}

/// A problem on a page.
#[derive(Serialize)]
struct Shown<'a> {
    title: &'a str,
    status: u16,
    kind: &'a str,
    detail: &'a str,
    instance: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(document: &'a Document) -> Shown<'a> {
        let Document { kind, title, status, detail, instance, .. } = document;
        Shown { title, status: *status, kind, detail, instance: instance.as_deref() }
    }
}

/// The same failure as a problem document, or as a page for a browser; its cause is logged here and nowhere else.
fn failed(shared: &Shared, response: Response, id: Uuid, path: &str, page: bool) -> Response {
    let status = response.status();
    let known = response.extensions().get::<Problem>().cloned();
    // `/readyz` answers in its own form.
    if known.is_none() && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        return response;
    }
    let problem = known.unwrap_or_else(|| unformed(status));
    if let Some(cause) = &problem.cause {
        tracing::error!(request = %id, path, code = problem.code, "{cause}");
    }
    let document = problem.document(Some(&id.to_string()));
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let body = match page.then(|| shared.pages.render(Page::Error, &Shown::of(&document))) {
        Some(Ok(html)) => Html(html).into_response(),
        Some(Err(_)) | None => {
            let bytes = serde_json::to_vec(&document).unwrap_or_default();
            ([(header::CONTENT_TYPE, PROBLEM_JSON)], bytes).into_response()
        }
    };
    let (formed, body) = body.into_parts();
    parts.headers.extend(formed.headers);
    Response::from_parts(parts, body)
}

/// The problem behind a bare status of a layer or an extractor.
fn unformed(status: StatusCode) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(MAX_BODY),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method", "Method not allowed", "this route has no such method: see /openapi.json")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            Problem::new(status, "timeout", "It took too long", "the request took too long: try again later")
        }
        StatusCode::NOT_FOUND => Problem { status, ..Problem::missing("route") },
        status if status.is_client_error() => {
            Problem { status, ..Problem::bad("bad_request", "the request is not understood: see /openapi.json") }
        }
        status => Problem { status, ..Problem::internal("an answer without a cause") },
    }
}

fn panicked(why: Box<dyn Any + Send + 'static>) -> Response {
    let text = why.downcast_ref::<&str>().copied().or_else(|| why.downcast_ref::<String>().map(String::as_str));
    Problem::internal(format!("a handler panicked: {}", text.unwrap_or("without words"))).into_response()
}

/// What is not there.
pub(super) async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found", "there is no such route: see /openapi.json")
}

/// A request's body, up to the limit; more is refused without being kept.
pub(super) async fn body(request: Request) -> Result<Bytes, Problem> {
    if claimed(&request).is_some_and(|length| length > MAX_BODY as u64) {
        return Err(Problem::too_large(MAX_BODY));
    }
    read(request, MAX_BODY).await
}

/// An event's body, with the place it holds while it is in memory; a large one has to say how large it is.
pub(super) async fn event(request: Request) -> Result<(Bytes, Option<SemaphorePermit<'static>>), Problem> {
    let length = claimed(&request);
    if length.is_some_and(|length| length > MAX_EVENT as u64) {
        return Err(Problem::too_large(MAX_EVENT));
    }
    if length.is_none_or(|length| length <= MAX_BODY as u64) {
        return Ok((read(request, MAX_BODY).await?, None));
    }
    let place = LARGE.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
    Ok((read(request, MAX_EVENT).await?, Some(place)))
}

fn claimed(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(request: Request, most: usize) -> Result<Bytes, Problem> {
    to_bytes(request.into_body(), most).await.map_err(|error| {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.to_string().contains("length limit exceeded") {
                return Problem::too_large(most);
            }
            cause = inner.source();
        }
        Problem::bad("body_unreadable", "the body broke off: send it again")
    })
}
