use super::sample::{Dice, Say, Says, Writer, read, wanted};
use super::*;
use serde_json::json;

/// A random edit of what a file says, done to the model as well.
pub(super) fn draw(dice: &mut Dice, says: &mut Says) -> Value {
    let mut path = Vec::new();
    let mut body = says;
    while !body.blocks.is_empty() && !dice.one_in(3) {
        let at = dice.below(body.blocks.len());
        let kind = body.blocks[at].0.clone();
        let nth = body.blocks[..at].iter().filter(|block| block.0 == kind).count();
        path.extend([json!(kind), json!(nth)]);
        if dice.one_in(6) {
            body.blocks.remove(at);
            return json!({"op": "delete", "path": path});
        }
        body = &mut body.blocks[at].1;
    }
    if body.attributes.is_empty() || dice.one_in(4) {
        return add(dice, body, path);
    }
    let names: Vec<String> = body.attributes.keys().cloned().collect();
    let name = dice.of(&names).clone();
    path.push(json!(name));
    if dice.one_in(5) {
        body.attributes.remove(&name);
        return json!({"op": "delete", "path": path});
    }
    inside(dice, body.attributes.get_mut(&name).expect("it is there"), path)
}

fn add(dice: &mut Dice, body: &mut Says, mut path: Vec<Value>) -> Value {
    let value = wanted(dice);
    match (dice.below(4), &value) {
        (0, _) => {
            path.extend([json!("fresh"), json!("deep/er")]);
            let inner = Say::Object([("deep/er".to_owned(), Say::of_json(&value))].into());
            body.attributes.insert("fresh".to_owned(), inner);
        }
        (1, Value::Object(fields)) if fields.keys().all(|key| !key.contains('.')) => {
            path.push(json!("blk"));
            let attributes = fields.iter().map(|(key, value)| (key.clone(), Say::of_json(value))).collect();
            body.blocks.push(("blk".to_owned(), Says { attributes, blocks: Vec::new() }));
            return json!({"op": "add", "path": path, "value": value, "as": "block"});
        }
        (2, _) => {
            path.push(json!("fresh"));
            body.attributes.insert("fresh".to_owned(), Say::List(vec![Say::of_json(&value)]));
            return json!({"op": "append", "path": path, "value": value});
        }
        _ => {
            path.push(json!("fresh"));
            body.attributes.insert("fresh".to_owned(), Say::of_json(&value));
        }
    }
    json!({"op": "add", "path": path, "value": value})
}

fn inside(dice: &mut Dice, say: &mut Say, mut path: Vec<Value>) -> Value {
    let (value, deeper) = (wanted(dice), !dice.one_in(3));
    match say {
        Say::List(says) if dice.one_in(3) => {
            says.push(Say::of_json(&value));
            json!({"op": "append", "path": path, "value": value})
        }
        Say::Object(says) if dice.one_in(3) => {
            path.push(json!("fresh"));
            says.insert("fresh".to_owned(), Say::of_json(&value));
            json!({"op": "add", "path": path, "value": value})
        }
        Say::List(says) if deeper && !says.is_empty() => {
            let at = dice.below(says.len());
            path.push(json!(at));
            if dice.one_in(3) {
                says.remove(at);
                return json!({"op": "delete", "path": path});
            }
            inside(dice, &mut says[at], path)
        }
        Say::Object(says) if deeper && !says.is_empty() => {
            let names: Vec<String> = says.keys().cloned().collect();
            let name = dice.of(&names).clone();
            path.push(json!(name));
            if dice.one_in(3) {
                says.remove(&name);
                return json!({"op": "delete", "path": path});
            }
            inside(dice, says.get_mut(&name).expect("it is there"), path)
        }
        _ if dice.one_in(4) => {
            *say = Say::Raw("merge(a,b)".to_owned());
            json!({"op": "set", "path": path, "expr": "merge(a, b)"})
        }
        _ => {
            *say = Say::of_json(&value);
            json!({"op": "set", "path": path, "value": value})
        }
    }
}

fn comments(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        text.split(['#', '/', '*']).filter_map(|part| part.strip_prefix(" c")?.split_once('.').map(|c| c.0)).collect();
    found.sort_unstable();
    found
}

#[test]
fn random_edits_say_what_was_wanted() {
    let (mut done, mut refused) = (0, 0);
    for seed in 0..1000 {
        let mut dice = Dice(seed);
        let before = Writer::file(&mut dice);
        let plain = before.trim_start_matches('\u{feff}');
        let mut says = read(plain);
        let json = draw(&mut dice, &mut says);
        let edited = match edit(before.as_bytes(), None, &[read_edit(&json)]) {
            Ok(edited) => text(&edited),
            Err(refusal) => {
                assert_eq!(refusal.code, Code::NotMinimal, "seed {seed}: {refusal}\n{json}\n{before}");
                refused += 1;
                continue;
            }
        };
        done += 1;
        let after = edited.strip_prefix('\u{feff}').unwrap_or(&edited);
        assert_eq!(read(after), says, "seed {seed}: {json}\n{before}\n{after}");
        assert_eq!(before.starts_with('\u{feff}'), edited.starts_with('\u{feff}'), "seed {seed}");
        if before.contains("\r\n") {
            assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count(), "seed {seed}: {json}\n{after}");
        }
        if json["op"] == "add" || json["op"] == "append" {
            assert_eq!(comments(&before), comments(&edited), "seed {seed}: {json}\n{before}\n{after}");
            assert_eq!(before.ends_with('\n'), edited.ends_with('\n'), "seed {seed}: {json}\n{before}");
        }
        if json["op"] == "set" {
            let again = edit(edited.as_bytes(), None, &[read_edit(&json)]).expect("edits again");
            assert_eq!(text(&again), edited, "seed {seed}: {json}");
        }
    }
    assert!(refused * 20 < done, "{refused} refused, {done} done");
}

/// Whether two paths lead to places of which neither is the other's, or in it.
fn are_apart(one: &Value, other: &Value) -> bool {
    let steps = |edit: &Value| edit["path"].as_array().expect("steps").clone();
    steps(one).iter().zip(&steps(other)).any(|(a, b)| a != b)
}

#[test]
fn edits_of_different_places_commute() {
    let (mut sets, mut others) = (0, 0);
    for seed in 0..1500 {
        let mut dice = Dice(seed);
        let before = Writer::file(&mut dice);
        let fresh = || read(before.trim_start_matches('\u{feff}'));
        let (one, other) = (draw(&mut dice, &mut fresh()), draw(&mut dice, &mut fresh()));
        // What is deleted or put in moves the numbers of others.
        if !are_apart(&one, &other) || one["op"] == "delete" || other["op"] == "delete" {
            continue;
        }
        let both = |first: &Value, second: &Value| {
            edit(before.as_bytes(), None, &[read_edit(first), read_edit(second)]).map(|edited| text(&edited))
        };
        let (Ok(forth), Ok(back)) = (both(&one, &other), both(&other, &one)) else { continue };
        let says = |text: &str| read(text.trim_start_matches('\u{feff}'));
        if one["op"] == "set" && other["op"] == "set" {
            assert_eq!(forth, back, "seed {seed}: {one} and {other}\n{before}");
            sets += 1;
        } else if one["path"] != other["path"] && one["as"] != "block" && other["as"] != "block" {
            assert_eq!(says(&forth), says(&back), "seed {seed}: {one} and {other}\n{before}");
            others += 1;
        }
        let twice = both(&one, &one);
        if one["op"] == "set" {
            let once = edit(before.as_bytes(), None, &[read_edit(&one)]).map(|edited| text(&edited));
            assert_eq!(twice, once, "seed {seed}: {one}\n{before}");
        }
    }
    assert!(sets > 100 && others > 100, "{sets} pairs of sets, {others} others");
}

#[test]
fn broken_text_never_panics() {
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let file = Writer::file(&mut dice);
        let json = draw(&mut dice, &mut read(file.trim_start_matches('\u{feff}')));
        let mut chars: Vec<char> = file.chars().collect();
        for _ in 0..1 + dice.below(3) {
            let at = dice.below(chars.len().max(1)).min(chars.len());
            match dice.below(3) {
                0 => chars.truncate(at),
                1 => chars.insert(at, *dice.of(&['{', '}', '"', '$', '\n', '\r', '#', '<', '=', '\u{e9}'])),
                _ => drop(chars.splice(at..(at + 1).min(chars.len()), [])),
            }
        }
        let broken: String = chars.into_iter().collect();
        if let Ok(edited) = edit(broken.as_bytes(), None, &[read_edit(&json)]) {
            assert!(hcl_edit::parser::parse_body(text(&edited).trim_start_matches('\u{feff}')).is_ok(), "seed {seed}");
        }
    }
}

fn read_edit(json: &Value) -> Edit {
    super::read(json.clone())
}
