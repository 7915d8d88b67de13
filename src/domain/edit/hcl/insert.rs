//! Puts new attributes, blocks, keys and elements in, in the style of what stands around them.
//!
//! Must not move `=`: neighbours are lined up afterwards.

use super::gate::Doc;
use super::lines::Cut;
use super::locate::{Frame, Group, Home};
use super::render::{self, Layout, Term, Width};
use super::tokens::Kind;
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Adds what the keys lead to; the first of them is not in the home yet.
pub(super) fn add(doc: &Doc, home: &Home, keys: &[String], term: Term, block: bool) -> Result<Vec<Cut>, Refusal> {
    let Some((name, inner)) = keys.split_first() else { return Err(Refusal::of(Code::Parse, "an empty path")) };
    match home {
        Home::Body(frame) if block => nested_block(doc, frame, keys, &term),
        Home::Body(frame) => attribute(doc, frame, name, &term.under(inner)),
        Home::Group(_) if block => Err(Refusal::of(Code::Parse, "a block cannot stand in an object or list")),
        Home::Group(group) => Ok(member(doc, group, Some(name), &term.under(inner))),
    }
}

/// Adds an element to a literal list.
pub(super) fn append(doc: &Doc, list: &Group, term: &Term) -> Vec<Cut> {
    member(doc, list, None, term)
}

fn layout<'a>(doc: &Doc, indent: &'a str, unit: &'a str, width: Width) -> Layout<'a> {
    Layout { indent, unit, eol: doc.eol(), width }
}

fn crowded() -> Refusal {
    Refusal::of(Code::NotMinimal, "the line where it belongs holds something else; put that on a line of its own first")
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if render::is_name(name) {
        return Ok(());
    }
    Err(Refusal::of(Code::Parse, format!("`{name}` is no name of an attribute or block")))
}

fn attribute(doc: &Doc, frame: &Frame, name: &str, term: &Term) -> Result<Vec<Cut>, Refusal> {
    check_name(name)?;
    let (indent, unit) = (frame_indent(doc, frame), doc.unit());
    let line = format!("{indent}{name} = {}", term.write(layout(doc, &indent, &unit, Width::Lines)));
    if is_flat(doc, frame) {
        return Ok(vec![open_up(doc, frame, &indent, &line, "")]);
    }
    if let Some(last) = frame.attributes.last() {
        let at = doc.clear_after(last.end).ok_or_else(crowded)?;
        return Ok(vec![doc.whole_line(at, &line)]);
    }
    if frame.top {
        let gap = if frame.blocks.is_empty() { "" } else { doc.eol() };
        return Ok(vec![doc.whole_line(doc.text.len(), &format!("{gap}{line}"))]);
    }
    if frame.blocks.is_empty() {
        let at = doc.line_start(frame.inner.end);
        return if doc.is_first(frame.inner.end) { Ok(vec![doc.whole_line(at, &line)]) } else { Err(crowded()) };
    }
    let at = doc.clear_after(frame.inner.start).ok_or_else(crowded)?;
    let gap = if doc.is_blank(at) { "" } else { doc.eol() };
    Ok(vec![doc.whole_line(at, &format!("{line}{gap}"))])
}

fn nested_block(doc: &Doc, frame: &Frame, names: &[String], body: &Term) -> Result<Vec<Cut>, Refusal> {
    let (indent, unit) = (frame_indent(doc, frame), doc.unit());
    let text = format!("{indent}{}", nest(doc, names, body, &indent, &unit)?);
    if is_flat(doc, frame) {
        return Ok(vec![open_up(doc, frame, &indent, &text, doc.eol())]);
    }
    let filled = frame.inner.start + doc.part(&frame.inner).trim_end().len();
    let at = if frame.top { doc.text.len() } else { doc.clear_after(filled).ok_or_else(crowded)? };
    let gap = if doc.text.is_empty() || is_dense(doc, frame) { "" } else { doc.eol() };
    Ok(vec![doc.whole_line(at, &format!("{gap}{text}"))])
}

fn nest(doc: &Doc, names: &[String], body: &Term, indent: &str, unit: &str) -> Result<String, Refusal> {
    let Some((name, rest)) = names.split_first() else { return Ok(String::new()) };
    check_name(name)?;
    if rest.is_empty() {
        return render::block(name, body, layout(doc, indent, unit, Width::Lines));
    }
    let (deeper, eol) = (format!("{indent}{unit}"), doc.eol());
    Ok(format!("{name} {{{eol}{deeper}{}{eol}{indent}}}", nest(doc, rest, body, &deeper, unit)?))
}

/// Whether a block stands on one line or holds nothing.
fn is_flat(doc: &Doc, frame: &Frame) -> bool {
    let inner = doc.part(&frame.inner);
    !frame.top && (!inner.contains('\n') || inner.trim().is_empty())
}

/// Whether the last blocks follow each other without a blank line.
fn is_dense(doc: &Doc, frame: &Frame) -> bool {
    match frame.blocks.as_slice() {
        [.., before, last] => doc.part(&(before.end..last.start)).matches('\n').count() == 1,
        _ => false,
    }
}

fn open_up(doc: &Doc, frame: &Frame, indent: &str, line: &str, gap: &str) -> Cut {
    let eol = doc.eol();
    let own = match doc.part(&frame.inner).trim() {
        "" => String::new(),
        own => format!("{indent}{own}{eol}{gap}"),
    };
    let text = format!("{eol}{own}{line}{eol}{}", doc.indent_at(frame.inner.start));
    Cut { span: frame.inner.clone(), text }
}

fn frame_indent(doc: &Doc, frame: &Frame) -> String {
    let entry = frame.attributes.last().or(frame.blocks.first());
    match entry {
        Some(entry) if doc.is_first(entry.start) => doc.indent_at(entry.start).to_owned(),
        _ if frame.top => String::new(),
        _ => format!("{}{}", doc.indent_at(frame.inner.start), doc.unit()),
    }
}

fn member(doc: &Doc, group: &Group, name: Option<&str>, term: &Term) -> Vec<Cut> {
    let (Some(last), Some(value)) = (group.members.last(), group.values.last()) else {
        return vec![first_member(doc, group, name, term)];
    };
    let style = MemberStyle::of(doc, group, last, value);
    let unit = doc.unit();
    let heredoc = doc.before(last.end).last().is_some_and(|token| token.kind == Kind::Heredoc);
    let indent = if doc.is_first(last.start) {
        doc.indent_at(last.start).to_owned()
    } else {
        format!("{}{unit}", doc.indent_at(group.span.start))
    };
    let write = |indent: &str, width| {
        let value = term.write(layout(doc, indent, &unit, width));
        name.map_or(value.clone(), |name| format!("{}{}{value}", render::key(name, style.quoted), style.between))
    };
    let ends = doc.clear_after(last.end).filter(|at| *at < group.span.end && (heredoc || doc.is_first(last.start)));
    let Some(at) = ends else {
        let spread = sibling_width(doc, group, term) == Some(Width::Lines) && is_level(doc, group);
        let width = if spread { Width::Lines } else { Width::Line };
        return vec![Cut::insert(last.end, format!(", {}", write(doc.indent_at(last.end), width)))];
    };
    let line = format!("{indent}{}", write(&indent, sibling_width(doc, group, term).unwrap_or(Width::Lines)));
    if doc.comma_after(last.end).is_some() {
        return vec![doc.whole_line(at, &format!("{line},"))];
    }
    match (style.commas, heredoc && group.list) {
        (true, true) => vec![doc.whole_line(at, &format!("{indent},{}{line}", doc.eol()))],
        (true, false) if !heredoc => vec![Cut::insert(last.end, ","), doc.whole_line(at, &line)],
        _ => vec![doc.whole_line(at, &line)],
    }
}

struct MemberStyle {
    quoted: bool,
    between: String,
    commas: bool,
}

impl MemberStyle {
    fn of(doc: &Doc, group: &Group, last: &Range<usize>, value: &Range<usize>) -> MemberStyle {
        let is_quoted = |member: &Range<usize>| doc.part(member).starts_with('"');
        let head: Vec<_> = doc.within(&(last.start..value.start)).iter().collect();
        let between = match head.as_slice() {
            [.., key, sign] if matches!(sign.kind, Kind::Assign | Kind::Colon) => {
                let space = |span: Range<usize>| if span.is_empty() { "" } else { " " };
                format!("{}{}{}", space(key.end..sign.start), sign.of(&doc.text), space(sign.end..value.start))
            }
            _ => " = ".to_owned(),
        };
        let earlier = group.members.iter().rev().nth(1);
        MemberStyle {
            quoted: group.members.iter().all(is_quoted),
            between,
            commas: group.list || earlier.is_some_and(|member| doc.comma_after(member.end).is_some()),
        }
    }
}

/// Whether the brackets of members that share lines, as in `}, {`, close at one depth; `terraform fmt` would
/// move those of all but the last, and so one more that goes over lines would leave the last misplaced.
fn is_level(doc: &Doc, group: &Group) -> bool {
    match group.members.as_slice() {
        [.., before, last] => doc.indent_at(before.end.saturating_sub(1)) == doc.indent_at(last.end.saturating_sub(1)),
        _ => false,
    }
}

/// How wide values of the same kind stand in the group, if there are any.
fn sibling_width(doc: &Doc, group: &Group, term: &Term) -> Option<Width> {
    let open = match term {
        Term::Leaf(_) => return None,
        Term::List(_) => '[',
        Term::Object(_) => '{',
    };
    let like = |value: &&str| value.starts_with(open) && value.len() > 2;
    let mut siblings = group.values.iter().map(|value| doc.part(value)).filter(like).peekable();
    siblings.peek()?;
    Some(if siblings.any(|value| value.contains('\n')) { Width::Lines } else { Width::Line })
}

fn first_member(doc: &Doc, group: &Group, name: Option<&str>, term: &Term) -> Cut {
    let inner = group.span.start + 1..group.span.end.saturating_sub(1);
    let (own, unit) = (doc.part(&inner), doc.unit());
    let outer = doc.indent_at(group.span.start);
    let indent = format!("{outer}{unit}");
    let write = |width| {
        let value = term.write(layout(doc, &indent, &unit, width));
        name.map_or(value.clone(), |name| format!("{} = {value}", render::key(name, false)))
    };
    let comma = if group.list { "," } else { "" };
    let eol = doc.eol();
    match (own.trim().is_empty(), own.contains('\n')) {
        (true, false) if group.list => Cut { span: inner, text: write(Width::Line) },
        (true, false) => Cut { span: inner, text: format!(" {} ", write(Width::Line)) },
        (true, true) => Cut { span: inner, text: format!("{eol}{indent}{}{comma}{eol}{outer}", write(Width::Lines)) },
        (false, true) if doc.is_first(inner.end) => {
            doc.whole_line(doc.line_start(inner.end), &format!("{indent}{}{comma}", write(Width::Lines)))
        }
        (false, _) => Cut::insert(inner.end, format!("{} ", write(Width::Line))),
    }
}
