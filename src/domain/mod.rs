//! What countersign decides, edits, attests and proves: pure, without network, disk, clock or randomness.
//!
//! The modules stand in their order: each may use those above it in this list, and no other room.

pub mod ids;

pub mod canon;

pub mod redact;

pub mod trust;

pub mod change;

pub mod edit;

pub mod proposal;

pub mod attest;

pub mod approval;

pub mod audit;

pub mod facts;

pub mod policy;

pub mod lifecycle;
