//! The whole path of proposals, on a local forge, with a clock moved by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, unreachable_pub)]

mod answers;
mod approvals;
mod between;
mod crash;
mod documents;
mod gates;
mod moves;
mod paths;
mod season;
mod story;
mod tampering;
mod tidy;
mod world;
