//! What proves a delivery of GitLab: the plain token, or the signature.

use super::stand;
use crate::fake::events::{SECRET, What, signed};
use crate::stand::bump;
use axum::body::Body;
use axum::http::Request;
use countersign::forge::hook::on_gitlab::{SIGNATURE, TIMESTAMP, TOKEN};
use tower::ServiceExt as _;

#[tokio::test]
async fn f6_a_wrong_token_or_signature_is_refused() {
    let Some(s) = stand().await else { return };
    let id = s.propose(bump("web", "1.4.2")).await;
    let plain = s.event(What::Edited, s.number(&id).await, "d-1").await;
    let now = s.clock.now();
    let fresh = signed(plain.clone(), "d-1", now);
    let cases = [
        (plain.clone(), 202),
        (plain.clone().with(TOKEN, Some("the-secret-of-the-hooks-of-the-stane")), 401),
        (plain.clone().with(TOKEN, Some(&SECRET[1..])), 401),
        (fresh.clone(), 202),
        (fresh.clone().with(SIGNATURE, Some("v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")), 401),
        (fresh.clone().with(TIMESTAMP, Some("1")), 401),
        // A right token beside a wrong signature lets nobody in.
        (fresh.with(SIGNATURE, Some("v1,AAAA")).with(TOKEN, Some(SECRET)), 401),
        (signed(plain.clone(), "d-2", now.plus_seconds(-301)), 401),
        (signed(plain.clone(), "d-3", now.plus_seconds(301)), 401),
        (signed(plain, "d-4", now.plus_seconds(-299)), 202),
    ];
    for (n, (event, wanted)) in cases.into_iter().enumerate() {
        let mut request = Request::post(event.path).header("content-length", event.body.len());
        for (name, value) in &event.headers {
            request = request.header(*name, value);
        }
        let answer = s.router().oneshot(request.body(Body::from(event.body)).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), wanted, "{n}");
    }
    s.turns().await;
    s.finish().await;
}
