//! Branches and pull requests: made once, whatever goes wrong.

use crate::stand::{Kind, Stand, bump, playable};

#[tokio::test]
async fn a_change_reaches_a_pull_request_on_github() {
    if !playable(Kind::Github) {
        return;
    }
    let stand = Stand::start(Kind::Github).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.expect(&id, "received / pushed / opened / attested / waits: not_reviewed").await;
    stand.finish().await;
}
