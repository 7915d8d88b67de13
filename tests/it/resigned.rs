//! A block signed anew over another binding, as somebody with a key could.

use countersign::domain::attest::{self, Binding, Issue, KeySet, Signer, Statement};

/// The block in a body, as text.
pub fn block(body: &str) -> String {
    attest::render_block(&attest::extract(body).unwrap().envelope)
}

/// The body with a block of this key over another binding.
pub fn signed_again(set: &KeySet, by: &Signer, body: &str, change: impl FnOnce(&mut Binding)) -> String {
    let (statement, _) = attest::open(&attest::extract(body).unwrap().envelope, set).unwrap();
    let predicate = statement.predicate;
    let mut binding = predicate.binding;
    change(&mut binding);
    let issue = Issue {
        issued: predicate.issued_at.parse().unwrap(),
        not_after: predicate.not_after.parse().unwrap(),
        nonce: predicate.nonce,
        trust: predicate.trust,
        key: predicate.key,
        audit: predicate.audit,
    };
    body.replace(&block(body), &attest::render_block(&attest::seal(&Statement::new(binding, issue), by)))
}
