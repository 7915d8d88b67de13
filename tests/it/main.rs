//! The whole path of proposals, on a local forge, with a clock moved by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    unreachable_pub
)]

mod answers;
mod approvals;
mod between;
mod commands;
mod config_pulls;
mod crash;
mod documents;
mod floors;
mod folder;
mod gates;
mod golden;
mod graduation;
mod hall;
mod hooks;
mod leases;
mod moves;
mod others;
mod outcomes;
mod overlays;
mod paths;
mod policies;
mod refusals;
mod replicas;
mod resigned;
mod safety;
mod season;
mod secrets;
mod steps;
mod story;
mod successors;
mod tampering;
mod tidy;
mod vectors;
mod world;
