//! Tokens of a running service: issued, listed, used and revoked from the command line.

use crate::http::As;
use crate::site::Site;

#[test]
fn a_token_is_issued_used_and_revoked() {
    let site = Site::set();
    site.change_settings("roles = [\"propose\", \"read\"]", "roles = [\"admin\"]");
    let server = site.start();
    let made = site.run(&["token", "issue", "--principal", "agent:new", "--role", "read"]).code(0).json();
    let (token, id) = (made["token"].as_str().unwrap(), made["id"].as_str().unwrap());
    let listed = site.say(&["token", "list"]).code(0);
    assert!(
        listed.out.contains(id) && listed.out.contains("agent:new") && !listed.out.contains(token),
        "{}",
        listed.out
    );
    let read = |status| assert_eq!(site.ask("GET", "/v1/proposals", As::Bearer(token), None).unwrap().status, status);
    read(200);
    let revoked = site.run(&["token", "revoke", id]).code(0).json();
    assert_eq!(revoked["state"], "revoked");
    read(401);
    let unknown = site.say(&["token", "revoke", "0190a0f2-7b3c-7d11-8c2e-0123456789ab"]).code(3);
    assert!(unknown.out.contains("refused:"), "{}", unknown.out);
    site.say(&["token", "revoke", "../proposals"]).code(1);
    let (_, log) = server.terminate();
    assert!(!log.contains(token), "a token in the log");
}

#[test]
fn only_an_admin_issues_tokens() {
    let site = Site::set();
    let _server = site.start();
    let refused = site.say(&["token", "issue", "--principal", "agent:new"]).code(3);
    assert!(refused.out.contains("admin"), "{}", refused.out);
}
