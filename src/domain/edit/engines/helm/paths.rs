//! Reads dotted keys as Helm writes them: `a\.b` is one key.
//!
//! Must not know a file.

use crate::domain::change::{Path, Step};

/// Reads a dotted path; a dot, bracket, comma or equals sign behind a backslash is part of its key.
pub(super) fn read(text: &str) -> Result<Vec<Step>, String> {
    if !text.contains('\\') {
        return Path::parse(text).map(|path| path.0);
    }
    Path::parse(&quoted(text)).map(|path| path.0).map_err(|reason| format!("{reason} (read from `{text}`)"))
}

/// The same path with every key that has a backslash in quotes.
fn quoted(text: &str) -> String {
    let (mut out, mut name, mut escaped, mut chars) = (String::new(), String::new(), false, text.chars());
    let flush = |out: &mut String, name: &mut String, escaped: &mut bool| {
        out.push_str(&if *escaped { serde_json::Value::from(name.as_str()).to_string() } else { name.clone() });
        name.clear();
        *escaped = false;
    };
    let mut inside = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                escaped = true;
                name.extend(chars.next());
            }
            // The quotes that a shell would take off around a key.
            '"' => {
                inside = !inside;
                escaped = true;
            }
            '.' | '[' | ']' | '=' if !inside => {
                flush(&mut out, &mut name, &mut escaped);
                out.push(c);
            }
            c => name.push(c),
        }
    }
    flush(&mut out, &mut name, &mut escaped);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helms_own_keys_are_read() {
        let cases = [
            ("a.b", r#"["a","b"]"#),
            (r"annotations.example\.com/team", r#"["annotations","example.com/team"]"#),
            (r#"nodeSelector."kubernetes\.io/role""#, r#"["nodeSelector","kubernetes.io/role"]"#),
            (r#"nodeSelector."kubernetes.io/role""#, r#"["nodeSelector","kubernetes.io/role"]"#),
            (r"hosts[0].a\.b", r#"["hosts",0,"a.b"]"#),
            (r"env[name=A\.B].value", r#"["env",{"name":"A.B"},"value"]"#),
            ("servers[0].port", r#"["servers",0,"port"]"#),
            (r"a\\b", r#"["a\\b"]"#),
        ];
        for (text, wanted) in cases {
            let path = read(text).expect(text);
            assert_eq!(serde_json::to_string(&path).expect("json"), wanted, "{text}");
        }
        for text in ["", "a..b", r"a\..", "a[", r"a[0\"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
