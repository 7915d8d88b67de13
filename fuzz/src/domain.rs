//! The modules that the editors need.

#[path = "../../src/domain/canon/mod.rs"]
pub mod canon;
#[path = "../../src/domain/change/mod.rs"]
pub mod change;
#[path = "../../src/domain/edit/mod.rs"]
pub mod edit;
#[path = "../../src/domain/ids.rs"]
pub mod ids;
