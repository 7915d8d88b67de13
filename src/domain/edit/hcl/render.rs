//! Writes wanted values as HCL text: quoting, escapes, layout.
//!
//! Must not look at the file: the caller says which indentation, line end and width stand there.

use super::gate::parse_refusal;
use super::tokens::{self, DEPTH, Kind};
use crate::domain::change::{Edit, Form, Op};
use crate::domain::edit::{Code, Refusal};
use hcl_edit::parser::parse_expr;
use serde_json::Value;

/// What is to be written.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Leaf(String),
    List(Vec<Term>),
    Object(Vec<(String, Term)>),
}

/// How it is to be written.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    /// The indentation of the line it begins on.
    pub(super) indent: &'a str,
    /// One more level.
    pub(super) unit: &'a str,
    pub(super) eol: &'a str,
    pub(super) width: Width,
}

/// Over how many lines a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// All on one line.
    Line,
    /// Objects over lines, and lists that hold some.
    Lines,
    /// As `Lines`, and the outermost list too.
    Tall,
}

impl Term {
    /// Reads what an edit wants written; nothing for a deletion.
    pub(super) fn of(edit: &Edit) -> Result<Option<Term>, Refusal> {
        let fault = |what: &str| Err(Refusal::of(Code::Parse, what));
        match (edit.op, &edit.value, &edit.expr) {
            (Op::Delete, None, None) => Ok(None),
            (Op::Delete, _, _) => fault("a deletion has no value"),
            (_, Some(_), Some(_)) => fault("`value` and `expr` exclude each other"),
            (_, None, None) => fault("neither `value` nor `expr` is given"),
            (_, None, Some(_)) if edit.form == Some(Form::Block) => fault("a block is made of an object `value`"),
            (_, None, Some(text)) => Ok(Some(Term::Leaf(expression(text)?))),
            (_, Some(value), None) => value_term(value, DEPTH / 2).map(Some),
        }
    }

    /// Wraps a term into objects, the last key innermost.
    pub(super) fn under(self, keys: &[String]) -> Term {
        keys.iter().rev().fold(self, |term, key| Term::Object(vec![(key.clone(), term)]))
    }

    /// Writes the term; the first line gets no indentation.
    pub(super) fn write(&self, layout: Layout<'_>) -> String {
        match self {
            Term::Leaf(text) => text.clone(),
            Term::List(terms) if terms.is_empty() => "[]".to_owned(),
            Term::Object(entries) if entries.is_empty() => "{}".to_owned(),
            Term::List(terms) if layout.width != Width::Tall && !self.is_tall(layout.width) => {
                let terms: Vec<String> = terms.iter().map(|term| term.write(layout)).collect();
                format!("[{}]", terms.join(", "))
            }
            Term::Object(entries) if layout.width == Width::Line => {
                let entries: Vec<String> = entries.iter().map(|entry| pair(entry, layout)).collect();
                format!("{{ {} }}", entries.join(", "))
            }
            Term::List(terms) => over_lines('[', ']', layout, terms, |term, inner| term.write(inner) + ","),
            Term::Object(entries) => over_lines('{', '}', layout, entries, pair),
        }
    }

    /// Whether the term goes over lines where that is allowed.
    fn is_tall(&self, width: Width) -> bool {
        let has_lines = |term: &Term| match term {
            Term::Leaf(text) => text.contains('\n'),
            Term::Object(entries) => !entries.is_empty(),
            Term::List(_) => term.is_tall(width),
        };
        width != Width::Line && matches!(self, Term::List(terms) if terms.iter().any(has_lines))
    }
}

/// Writes a nested block; the first line gets no indentation.
pub(super) fn block(name: &str, body: &Term, layout: Layout<'_>) -> Result<String, Refusal> {
    let Term::Object(entries) = body else {
        return Err(Refusal::of(Code::Parse, "a block is made of an object value"));
    };
    if let Some((key, _)) = entries.iter().find(|(key, _)| !is_name(key)) {
        return Err(Refusal::of(Code::Parse, format!("`{key}` is no name of an attribute")));
    }
    let lines = Layout { width: Width::Lines, ..layout };
    Ok(format!("{name} {}", body.write(lines)))
}

/// Writes an object's key, in quotes where it has to be or `quoted` says so.
pub(super) fn key(name: &str, quoted: bool) -> String {
    let keyword = matches!(name, "for" | "if" | "in" | "true" | "false" | "null");
    if quoted || keyword || !is_name(name) { quote(name) } else { name.to_owned() }
}

/// Whether a name can stand without quotes.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Writes a string literal that holds no template.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => quoted.extend([c, c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn pair(entry: &(String, Term), layout: Layout<'_>) -> String {
    format!("{} = {}", key(&entry.0, false), entry.1.write(layout))
}

fn over_lines<T>(
    open: char,
    close: char,
    layout: Layout<'_>,
    parts: &[T],
    write: fn(&T, Layout<'_>) -> String,
) -> String {
    let deeper = format!("{}{}", layout.indent, layout.unit);
    let inner = Layout { indent: &deeper, width: Width::Lines, ..layout };
    let lines: String = parts.iter().map(|part| format!("{deeper}{}{}", write(part, inner), layout.eol)).collect();
    format!("{open}{}{lines}{}{close}", layout.eol, layout.indent)
}

fn value_term(value: &Value, depth: usize) -> Result<Term, Refusal> {
    if depth == 0 {
        return Err(Refusal::of(Code::TooLarge, format!("the value has more than {} nested levels", DEPTH / 2)));
    }
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Term::Leaf(value.to_string()),
        Value::String(text) => Term::Leaf(quote(text)),
        Value::Array(values) => {
            Term::List(values.iter().map(|value| value_term(value, depth - 1)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let entry = |(key, value): (&String, &Value)| Ok((key.clone(), value_term(value, depth - 1)?));
            Term::Object(fields.iter().map(entry).collect::<Result<_, Refusal>>()?)
        }
    })
}

fn expression(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let fault = |what: &str| Err(Refusal::of(Code::Parse, format!("the expression `{text}` {what}")));
    let mut depth = 0_usize;
    for token in tokens::lex(text)? {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Comment => return fault("holds a comment"),
            Kind::Newline if depth == 0 => return fault("goes on after its line"),
            _ => {}
        }
    }
    match parse_expr(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => fault(&format!("cannot be read: {}", parse_refusal(&error).reason)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_quoted_so_that_they_say_the_same() {
        for text in
            ["", "a", "a \"b\" \\", "${x}", "$${x}", "%{ if }", "$", "100%", "a\nb\tc\r", "\u{1}é😀", "$$", "%%{"]
        {
            assert_eq!(tokens::unquote(&quote(text)).as_deref(), Some(text), "{}", quote(text));
        }
    }

    #[test]
    fn values_are_laid_out() {
        let write = |value: Value, width| {
            let term = value_term(&value, DEPTH).expect("shallow");
            term.write(Layout { indent: "", unit: "  ", eol: "\n", width })
        };
        let value = json!({"a": [1, "x"], "b.c": {}, "l": [{"k": null}]});
        assert_eq!(write(value.clone(), Width::Line), r#"{ a = [1, "x"], "b.c" = {}, l = [{ k = null }] }"#);
        assert_eq!(
            write(value, Width::Lines),
            "{\n  a = [1, \"x\"]\n  \"b.c\" = {}\n  l = [\n    {\n      k = null\n    },\n  ]\n}"
        );
        assert_eq!(write(json!([1, -2.5]), Width::Tall), "[\n  1,\n  -2.5,\n]");
    }

    #[test]
    fn expressions_are_read_before_they_are_written() {
        for good in ["var.a", " [for x in y : x]", "f(1,\n 2)", "\"${a}\"", "provider::x::f(1)"] {
            assert!(expression(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "1 # x", "a\nb = 1", "(", "}", "\"", "a = 1"] {
            assert_eq!(expression(bad).expect_err(bad).code, Code::Parse, "{bad}");
        }
    }
}
