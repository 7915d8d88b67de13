//! GitHub, as an App.
//!
//! Must not trust a name where there is a number.
