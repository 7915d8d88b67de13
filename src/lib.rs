//! countersign: turns approved remediation proposals into attested pull requests on GitOps repositories.

// Tests may fail loudly; the same code without tests is held to every lint.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)
)]

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod forge;
pub mod git;
pub mod render;
pub mod sink;
pub mod store;
pub mod web;
