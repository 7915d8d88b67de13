//! The forges that countersign works on, each against a server of our own on a real bare repository.
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    dead_code
)]

#[path = "../it/documents.rs"]
mod documents;
mod fake;
mod gitlab;
mod opening;
mod stand;
#[path = "../it/story.rs"]
mod story;
