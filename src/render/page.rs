//! The HTML pages: embedded templates, every value escaped, hidden characters shown.
//!
//! Must not hold a script, load anything from elsewhere, or mark a value as safe.

use super::visible;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, escape_formatter};
use serde::Serialize;

/// The stylesheet of all pages.
pub const STYLE: &str = include_str!("../../templates/web/style.css");
/// What a page may spend.
const FUEL: u64 = 5_000_000;

/// The templates by name.
const TEMPLATES: [(&str, &str); 9] = [
    ("base.html", include_str!("../../templates/web/base.html")),
    ("proposals.html", include_str!("../../templates/web/proposals.html")),
    ("proposal.html", include_str!("../../templates/web/proposal.html")),
    ("approve.html", include_str!("../../templates/web/approve.html")),
    ("classes.html", include_str!("../../templates/web/classes.html")),
    ("class.html", include_str!("../../templates/web/class.html")),
    ("audit.html", include_str!("../../templates/web/audit.html")),
    ("error.html", include_str!("../../templates/web/error.html")),
    ("setup.html", include_str!("../../templates/web/setup.html")),
];

/// A page that could not be rendered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the page cannot be rendered: {0}")]
pub struct PageError(String);

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The list of proposals.
    Proposals,
    /// One proposal.
    Proposal,
    /// The page that an approver reads before signing.
    Approve,
    /// The track records.
    Classes,
    /// One track record.
    Class,
    /// The newest entries of the log.
    Audit,
    /// A problem.
    Error,
    /// The registration of an App.
    Setup,
}

impl Page {
    fn template(self) -> &'static str {
        match self {
            Page::Proposals => "proposals.html",
            Page::Proposal => "proposal.html",
            Page::Approve => "approve.html",
            Page::Classes => "classes.html",
            Page::Class => "class.html",
            Page::Audit => "audit.html",
            Page::Error => "error.html",
            Page::Setup => "setup.html",
        }
    }
}

/// The templates, read once.
#[derive(Debug)]
pub struct Pages(Result<Environment<'static>, PageError>);

impl Default for Pages {
    fn default() -> Pages {
        Pages::new()
    }
}

impl Pages {
    /// Reads the embedded templates.
    pub fn new() -> Pages {
        Pages(environment().map_err(|error| fault(&error)))
    }

    /// Renders a page from its values; a value that is missing is an error.
    pub fn render(&self, page: Page, values: &impl Serialize) -> Result<String, PageError> {
        let environment = self.0.as_ref().map_err(Clone::clone)?;
        let template = environment.get_template(page.template()).map_err(|error| fault(&error))?;
        template.render(Serde(values)).map_err(|error| fault(&error))
    }
}

fn fault(error: &Error) -> PageError {
    PageError(format!("{error:#}"))
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(shown);
    environment.set_fuel(Some(FUEL));
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

/// Every value that is printed: hidden characters become visible, then HTML is escaped.
fn shown(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str().filter(|_| !value.is_safe()) {
        Some(text) => escape_formatter(out, state, &Value::from(visible(text))),
        None => escape_formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tm82_values_are_escaped_and_hidden_characters_shown() {
        let pages = Pages::new();
        let values = json!({"title": "</title><script>alert(1)</script>", "status": 404, "kind": "\u{202e}x", "detail": "\"'<img src=x>", "instance": null});
        let html = pages.render(Page::Error, &values).expect("renders");
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("\\u{202e}x") && html.contains("&lt;img"), "{html}");
    }

    #[test]
    fn a_missing_value_is_an_error() {
        assert!(Pages::new().render(Page::Error, &json!({"title": "x"})).is_err());
    }
}
