use super::*;
use crate::forge::hook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Takes one request and answers it; gives its head and body.
async fn receive(listener: &TcpListener, status: &str) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.expect("a caller");
    let mut all = Vec::new();
    loop {
        let mut part = [0; 4096];
        let n = stream.read(&mut part).await.expect("reads");
        all.extend_from_slice(&part[..n]);
        let Some(end) = all.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(all[..end].to_vec()).expect("text");
        let length: usize = header(&head, "content-length").expect("a length").parse().expect("a number");
        if all.len() == end + 4 + length {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("answers");
            return (head, all.split_off(end + 4));
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

fn hooked(s: &Scene, url: &str) -> Person {
    let hook = Hook { url: url.to_owned(), secret: "shh".into() };
    let who = Who { user: User { id: 7, login: "dana".to_owned() }, can_write: true };
    Person::new(LocalPlace { hook: Some(hook), ..place(&s.path()) }, who, clock(&s.seconds))
}

#[tokio::test]
async fn f1_the_acts_of_people_are_told_and_signed() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let url = format!("http://{}/webhooks/local", listener.local_addr().expect("an address"));
    let dana = hooked(&s, &url);
    let (said, (head, body)) = tokio::join!(dana.comment(number, "hi"), receive(&listener, "202 Accepted"));
    said.expect("says");
    assert_eq!(dana.warnings(), Vec::<String>::new());
    assert!(head.starts_with("POST /webhooks/local HTTP/1.1"));
    let secrets = ["shh".into()];
    assert!(hook::verify(&secrets, header(&head, hook::SIGNATURE).as_deref(), &body));
    assert_eq!(header(&head, hook::EVENT).as_deref(), Some("comment"));
    let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(json["action"], "created");
    assert_eq!(json["repository"], serde_json::json!({"id": 42, "name": "acme/shop"}));
    assert_eq!(json["pull"]["number"], number);
    assert_eq!(json["sender"]["id"], 7);
    assert_eq!(json["delivery"].as_str(), header(&head, hook::DELIVERY).as_deref());
}

#[tokio::test]
async fn f19_an_event_that_is_lost_is_a_warning() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    let dana = hooked(&s, &format!("http://{address}/"));
    let (said, _) = tokio::join!(dana.close(number), receive(&listener, "503 Service Unavailable"));
    said.expect("closes all the same");
    assert!(dana.warnings()[0].contains("503"));
    drop(listener);
    dana.reopen(number).await.expect("reopens all the same");
    assert!(dana.warnings()[0].contains("was not delivered"));
    assert_eq!(s.state(number).await, PullState::Open);
    let silent = hooked(&s, &format!("http://{address}/"));
    silent.commit("main", vec![web(V3)], "x").await.expect("pushes all the same");
}
