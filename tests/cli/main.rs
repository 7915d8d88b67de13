//! The `countersign` binary as its users meet it: arguments, files, exit codes, a server on a port.
//!
//! Must not look behind the binary's surface, except to set the scene.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod admin;
mod apply;
mod approve;
mod audit;
mod bad_input;
mod demo;
mod evidence;
mod fake;
mod folders;
mod http;
mod instance;
mod keys;
mod policy;
mod pr;
mod pull;
mod python;
mod run;
mod schemas;
mod serve;
mod setup;
mod sinks;
mod site;
mod store;
mod strangers;
mod tokens;
mod trust;
mod verify;
