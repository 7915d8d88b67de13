//! Finds functions that a policy may not even name: what they give depends on more than the document.
//!
//! Must not be led astray by strings and comments, nor by another way of writing a name.

/// Roots of functions that reach out of the evaluation, or that give something else each time.
const ROOTS: [&str; 10] = ["http", "net", "io", "opa", "rego", "rand", "uuid", "crypto", "providers", "graphql"];
/// Words that are names of variables as well: only a call of something below them is such a function.
const CALLED: [&str; 2] = ["file", "os"];
/// Single functions of the same sort.
const NAMES: [&str; 3] = ["time.now_ns", "trace", "print"];
/// What says which words a policy is written with.
const IMPORT: &str = "rego.v1";

/// Refuses a text that names such a function; the sentence names the line.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut line = 1;
    let mut rest = text;
    let mut after_dot = false;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => string(rest),
            '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
            c if c.is_alphabetic() || c == '_' => {
                let name = path(rest);
                if !after_dot {
                    let next = rest[name.len()..].trim_start().chars().next();
                    judge(name, next, line)?;
                }
                name.len()
            }
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        line += token.matches('\n').count();
        after_dot = token.ends_with('.');
        rest = tail;
    }
    Ok(())
}

/// The bytes of a string with its quotes.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A name with the names joined to it by dots.
fn path(text: &str) -> &str {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    text[..text.find(|c| !part(c)).unwrap_or(text.len())].trim_end_matches('.')
}

fn judge(path: &str, next: Option<char>, line: usize) -> Result<(), String> {
    let root = path.split('.').next().unwrap_or(path);
    let (bracket, call) = (next == Some('['), next == Some('('));
    let reaches = ROOTS.contains(&root) && path != IMPORT && (path != root || bracket)
        || CALLED.contains(&root) && path != root && call;
    // `time["now_ns"]` is another way to write it.
    let hidden = bracket && root == "time" && path == root;
    if reaches || hidden || NAMES.contains(&path) {
        return Err(format!("line {line}: `{path}` is no function of a policy: what it gives is not in the document"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn tm94_what_reaches_out_is_found_however_it_is_written() {
        for text in [
            "package countersign\ndeny contains x if { x := http.send({}) }",
            "package countersign\ndeny contains x if { x := http[\"send\"]({}) }",
            "package countersign\ndeny contains 1 if { count([]) == 0 with count as http.send }",
            "package countersign\nx := time.now_ns()",
            "package countersign\nx := time [\"now_ns\"]()",
            "package countersign\nx := rand.intn(\"a\", 3)",
            "package countersign\nx := io.jwt.decode(\"a\")",
            "package countersign\nx := opa.runtime()",
            "package countersign\nx := net.lookup_ip_addr(\"a\")",
            "package countersign\nx if { print(\"a\") }",
            "package countersign\nx := \"\\\"\" # fine\ny := file.read(\"/etc/passwd\")",
        ] {
            assert!(check(text).expect_err(text).contains("line"), "{text}");
        }
        for text in [
            "package countersign\n# http.send is not here\nx := \"http.send(\" + `net.x`",
            "package countersign\nx := input.http.send\ny := input.net[0]",
            "package countersign\nx := time.parse_rfc3339_ns(input.hour)",
            "package countersign\nimport rego.v1\nx if { some file in input.files; contains(file.path, \"a\") }",
            "package countersign\nx := http_port\ny := data.countersign.rego.z",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
