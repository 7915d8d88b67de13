//! The proof of what the body holds: an older attestation, another one's, and one that nothing can be compared with.

use super::*;

/// The code of the fault, or nothing.
fn fault(scene: &Scene) -> String {
    let proof = proof(&scene.case(), scene.facts.pull.as_ref().unwrap());
    assert_eq!(scene.code("attestation").is_empty(), proof.is_ok());
    proof.err().map(|fault| fault.code).unwrap_or_default()
}

#[test]
fn a_proof_needs_an_attestation_in_the_body_and_on_record() {
    assert_eq!(fault(&Scene::new()), "");
    assert_eq!(fault(&Scene::with(|s| s.record.issued = None)), "attestation.unknown");
    let empty = Scene::with(|s| s.pull().body = TEXT.into());
    assert!(!fault(&empty).is_empty());
    let stranger = Signer::from_seed(&[8; 32]);
    assert!(!fault(&Scene::with(|s| s.facts.keys = KeySet::single(stranger.public()))).is_empty());
    assert_eq!(fault(&Scene::with(|s| s.facts.now = now().plus_seconds(3 * DAY))), "attestation.expired");
}

#[test]
fn an_older_attestation_is_superseded_by_its_nonce_or_by_its_bytes() {
    let issued = |s: &mut Scene| s.record.issued.clone().unwrap();
    let nonce = |s: &mut Scene| s.record.issued = Some(Issued { nonce: "f".repeat(32), ..issued(s) });
    assert_eq!(fault(&Scene::with(nonce)), "nonce.superseded");
    let bytes = |s: &mut Scene| s.record.issued = Some(Issued { envelope: Digest([1; 32]), ..issued(s) });
    assert_eq!(fault(&Scene::with(bytes)), "nonce.superseded");
    // The older one names another base: it is called old, not wrong.
    let moved = Scene::with(|s| {
        nonce(s);
        s.facts.base.as_mut().unwrap().tip = oid('e');
    });
    assert_eq!(fault(&moved), "nonce.superseded");
}

/// What is written in the body was made for another one; the record knows a newer one of this one.
#[test]
fn a_block_of_another_pull_request_is_named_as_that() {
    let copied = |then: fn(&mut Scene)| {
        fault(&Scene::with(|s| {
            s.write(&"e".repeat(32));
            then(s);
        }))
    };
    assert_eq!(copied(|_| {}), "nonce.superseded");
    assert_eq!(copied(|s| s.pull().number = 13), "pr.mismatch");
    assert_eq!(copied(|s| s.facts.repository.id = 102), "repository.mismatch");
    assert_eq!(copied(|s| s.record.binding.tenant = "rival".parse().unwrap()), "tenant.mismatch");
    assert_eq!(copied(|s| s.facts.instance = "other.example".into()), "instance.mismatch");
    // Nothing to compare with: it is at least not the newest.
    assert_eq!(copied(|s| s.facts.base = None), "nonce.superseded");
}

#[test]
fn every_row_is_compared_with_what_is_the_case_now() {
    assert_eq!(fault(&Scene::with(|s| s.facts.base = None)), "facts.missing");
    assert_eq!(fault(&Scene::with(|s| s.facts.base.as_mut().unwrap().tip = oid('e'))), "base.sha");
    assert_eq!(fault(&Scene::with(|s| s.pull().head = oid('e'))), "head.sha");
    assert_eq!(fault(&Scene::with(|s| s.record.digest = Digest([1; 32]))), "proposal.mismatch");
    assert_eq!(fault(&Scene::with(|s| s.rules = loaded(&format!("{RULES}# more\n")))), "policy.digest");
}
