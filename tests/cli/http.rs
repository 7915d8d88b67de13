//! The least client that speaks to the server: one request, one connection.

use crate::run::PATIENCE;
use base64::Engine as _;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The body in JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.head, self.body))
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum As<'a> {
    Nobody,
    Bearer(&'a str),
    Basic(&'a str),
}

/// Asks once; none when nobody listens or the connection breaks off.
pub(crate) fn ask(port: u16, method: &str, path: &str, who: As<'_>, body: Option<&str>) -> Option<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let proof = match who {
        As::Nobody => String::new(),
        As::Bearer(token) => format!("Authorization: Bearer {token}\r\n"),
        As::Basic(token) => {
            let pair = base64::engine::general_purpose::STANDARD.encode(format!("x:{token}"));
            format!("Authorization: Basic {pair}\r\nAccept: text/html\r\n")
        }
    };
    let body = body.unwrap_or_default();
    let length = body.len();
    // In version 1.0 of the protocol the answer ends with the connection.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{proof}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
