//! A listener that answers as it is told: well, badly, or not at all.

use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What one request gets.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// This status and body, and perhaps one more header line.
    Say(u16, &'static str, &'static str),
    /// Nothing, for ever.
    Hang,
    /// The end of the connection, with the request read.
    Drop,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: Value,
}

#[derive(Clone)]
pub(super) struct Listener {
    pub(super) url: String,
    script: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    heard: Arc<Notify>,
}

impl Listener {
    /// Answers with these, one after the other, and then well.
    pub(super) async fn start(script: Vec<Reply>) -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/take", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let it = Listener { url, script, asked: Arc::default(), heard: Arc::default() };
        let mine = it.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mine = mine.clone();
                tokio::spawn(async move { mine.answer(stream).await });
            }
        });
        it
    }

    pub(super) fn next(&self, replies: Vec<Reply>) {
        self.script.lock().unwrap().extend(replies);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until a request came.
    pub(super) async fn heard(&self) {
        while self.asked().is_empty() {
            self.heard.notified().await;
        }
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        while bytes.len() < length.unwrap_or(0) {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let body = serde_json::from_slice(&bytes).unwrap();
        self.asked.lock().unwrap().push(Asked { head, body });
        let reply = self.script.lock().unwrap().pop_front().unwrap_or(Reply::Say(204, "", ""));
        self.heard.notify_one();
        match reply {
            Reply::Say(status, header, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} Said\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Reply::Hang => std::future::pending::<()>().await,
            Reply::Drop => {}
        }
    }
}
