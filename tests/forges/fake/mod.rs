//! A forge that answers over HTTP: the pull requests of a local forge on a real bare repository, spoken in the words of
//! another forge, with a log of every exchange and faults on order.

pub mod doom;
pub mod events;
pub mod faults;
pub mod git_http;
pub mod github;
pub mod gitlab;
pub mod log;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use doom::{Doom, Side};
use faults::{Fault, Script};
use log::{Exchange, Log};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

/// The most bytes of a body that are kept.
const MOST: usize = 256 << 20;

/// A server that runs until it is dropped.
pub struct Fake {
    pub address: SocketAddr,
    pub log: Log,
    pub faults: Script,
    /// When whoever asks is to end.
    pub doom: Doom,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Starts on a free port; the routes are made when the address, `http://127.0.0.1:<port>`, is known.
    pub async fn start(routes: impl FnOnce(&str) -> Router) -> Fake {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (log, faults, doom) = (Log::default(), Script::default(), Doom::default());
        let state = (log.clone(), faults.clone(), doom.clone());
        let router = routes(&format!("http://{address}")).fallback(nothing).layer(from_fn_with_state(state, around));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Fake { address, log, faults, doom, task }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn nothing(request: Request) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("{{\"message\":\"Not Found\",\"documentation_url\":\"{}\"}}", request.uri().path()))
}

/// Notes the exchange and lets the faults happen that are planned for it.
async fn around(State((log, script, doom)): State<(Log, Script, Doom)>, request: Request, next: Next) -> Response {
    let n = doom.count();
    if doom.strikes(n, Side::Before).await {
        return broken();
    }
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let sent = to_bytes(body, MOST).await.unwrap_or_default();
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let request_headers = parts.headers.clone();
    let mut effect = true;
    let mut instead: Option<Response> = None;
    for fault in script.strike(method.as_str(), &route) {
        match fault {
            Fault::Delay(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Fault::Meanwhile(act) => act().await,
            Fault::Before(answer) => {
                effect = false;
                instead = Some(answer.response());
            }
            Fault::After(answer) => instead = Some(answer.response()),
            Fault::Drop => {
                effect = false;
                instead = Some(broken());
            }
            Fault::DropAfter => instead = Some(broken()),
            Fault::Stale => instead = log.last(method.as_str(), &uri.to_string()).map(|old| old.again()),
        }
    }
    let answered = if effect {
        let response = next.run(Request::from_parts(parts, Body::from(sent.clone()))).await;
        let (parts, body) = response.into_parts();
        Some((parts, to_bytes(body, MOST).await.unwrap_or_default()))
    } else {
        None
    };
    let exchange = |status: StatusCode, headers: HeaderMap, answer: Bytes, planned: bool| Exchange {
        method: method.to_string(),
        route: route.clone(),
        uri: uri.to_string(),
        headers: request_headers.clone(),
        body: sent.clone(),
        status: status.as_u16(),
        answer_headers: headers,
        answer,
        planned,
    };
    if doom.strikes(n, Side::After).await {
        log.add(exchange(StatusCode::OK, HeaderMap::new(), Bytes::new(), true));
        return broken();
    }
    match (instead, answered) {
        (Some(response), _) => {
            log.add(exchange(response.status(), response.headers().clone(), Bytes::new(), true));
            response
        }
        (None, Some((parts, answer))) => {
            log.add(exchange(parts.status, parts.headers.clone(), answer.clone(), false));
            Response::from_parts(parts, Body::from(answer))
        }
        (None, None) => unreachable!("a fault without effect has an answer"),
    }
}

/// An answer that breaks off: the connection is gone.
fn broken() -> Response {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
    let mut response = Response::new(Body::from_stream(ReaderStream::new(Broken)));
    response.headers_mut().insert("content-length", HeaderValue::from_static("1000"));
    response
}
