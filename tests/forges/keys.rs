//! A signing key changes between the signature and the merge.

use crate::seasoned::{green, stand as seasoned};
use crate::stand::{Kind, Stand, bump};
use crate::whole::MERGED;
use countersign::config::{revoke, rotate};
use countersign::domain::attest::{self, Purpose};

on_each_forge!(f47_the_key_retired_before_the_merge, f47_the_key_was_revoked_before_the_merge);

/// The key that signed the text as it stands; none if no key that counts did.
async fn signed_by(stand: &Stand, id: &str) -> Option<String> {
    let body = stand.pull(id).await.body;
    let envelope = attest::extract(&body).unwrap().envelope;
    let (statement, _) = attest::open(&envelope, &stand.parts.keys.set).ok()?;
    Some(statement.predicate.key.kid)
}

async fn f47_the_key_retired_before_the_merge(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let old = signed_by(&stand, &id).await.expect("signed");
    rotate(&stand.home.join("data/keys"), Purpose::Attestation, true, stand.clock.now()).unwrap();
    let stand = stand.restart().await;
    assert_ne!(stand.parts.keys.attestation.id().to_string(), old, "another key signs now");
    assert_eq!(signed_by(&stand, &id).await, Some(old), "a retired key proves what it signed");
    green(&stand, &id).await;
    stand.expect(&id, MERGED).await;
    stand.finish().await;
}

async fn f47_the_key_was_revoked_before_the_merge(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let (old, main) = (signed_by(&stand, &id).await.expect("signed"), stand.tip("main"));
    revoke(&stand.home.join("data/keys"), &old, "lost with a laptop", stand.clock.now()).unwrap();
    let stand = stand.restart().await;
    assert_eq!(signed_by(&stand, &id).await, None, "a revoked key proves nothing");
    green(&stand, &id).await;
    let merged = stand.tip("main") != main;
    let now = signed_by(&stand, &id).await;
    assert!(!merged || now.is_some_and(|now| now != old), "nothing lands by it: {}", stand.story(&id).await);
    assert!(stand.story(&id).await != MERGED, "it is not as if nothing had happened");
    stand.finish().await;
}
