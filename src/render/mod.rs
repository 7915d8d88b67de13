//! Turns facts into text for people: pull request bodies, check runs, commit messages, pages.
//!
//! Must not let text from outside reach Markdown or HTML before it was neutralised.

mod answer;
mod body;
mod graduation;
mod neutral;
pub mod page;

pub use answer::answer;
pub use body::{
    CheckText, RenderError, attested_body, body_text, check_texts, commit_message, merge_message, notice, pull_title,
};
pub use graduation::graduation;
pub use neutral::{code, fence, line, visible};
