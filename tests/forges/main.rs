//! The forges that countersign works on, each against a server of our own on a real bare repository.
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::result_large_err,
    unreachable_pub,
    dead_code
)]

/// The same scenario on each forge.
macro_rules! on_each_forge {
    ($($name:ident),+ $(,)?) => {
        mod on_local {
            $(#[tokio::test] async fn $name() { super::$name(crate::stand::Kind::Local).await; })+
        }
        mod on_github {
            $(#[tokio::test] async fn $name() {
                if crate::stand::playable(crate::stand::Kind::Github) {
                    super::$name(crate::stand::Kind::Github).await;
                }
            })+
        }
        mod on_gitlab {
            $(#[tokio::test] async fn $name() {
                if crate::stand::playable(crate::stand::Kind::Gitlab) {
                    super::$name(crate::stand::Kind::Gitlab).await;
                }
            })+
        }
    };
}

/// The same scenario on each forge that lies behind a server.
macro_rules! on_served {
    ($($name:ident),+ $(,)?) => {
        mod on_served_github {
            $(#[tokio::test] async fn $name() {
                if crate::stand::playable(crate::stand::Kind::Github) {
                    super::$name(crate::stand::Kind::Github).await;
                }
            })+
        }
        mod on_served_gitlab {
            $(#[tokio::test] async fn $name() {
                if crate::stand::playable(crate::stand::Kind::Gitlab) {
                    super::$name(crate::stand::Kind::Gitlab).await;
                }
            })+
        }
    };
}

/// A scenario of GitHub alone.
macro_rules! on_github {
    ($($name:ident),+ $(,)?) => {
        mod only_github {
            $(#[tokio::test] async fn $name() {
                if crate::stand::playable(crate::stand::Kind::Github) {
                    super::$name(crate::stand::Kind::Github).await;
                }
            })+
        }
    };
}

mod contract;
mod crash;
#[path = "../it/documents.rs"]
mod documents;
mod fake;
#[path = "../it/folder.rs"]
mod folder;
mod gitlab;
mod ground;
mod hooks;
mod keys;
mod limits;
mod merging;
mod opening;
mod outcomes;
#[path = "../it/resigned.rs"]
mod resigned;
mod seasoned;
mod served;
mod stand;
#[path = "../it/story.rs"]
mod story;
mod strangers;
mod table;
mod tampering;
mod whole;
