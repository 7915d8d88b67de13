//! What a proposal asks for, in the words of an engine, and the edits it expands to.
//!
//! Must not read a file or know a document format: it only says what is wanted.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// One thing asked for, in the words of the engine that knows where it lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// A Helm values file or `Chart.yaml`.
    Helm(Helm),
    /// A Kustomize overlay.
    Kustomize(Kustomize),
    /// A Kubernetes document in a YAML file.
    Manifest(Manifest),
    /// A Terraform file or `.tfvars`.
    Terraform(Terraform),
}

/// A change of a Helm values file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Helm {
    /// The values file, relative to the repository's root.
    #[serde(alias = "file")]
    #[schemars(length(max = 512))]
    pub values: String,
    /// Dotted path to wanted value; a missing key is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Which document of the file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// A change of a Kustomize overlay's `kustomization.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Kustomize {
    /// The overlay's directory; its kustomization file is found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub directory: Option<String>,
    /// The kustomization file itself, instead of `directory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub file: Option<String>,
    /// Image overrides, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Replica overrides, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<Replicas>,
    /// Which document of the file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// An entry of a kustomization's `images`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// The image's name as the base writes it.
    pub name: String,
    /// The name it is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// The tag it is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_tag: Option<String>,
    /// The digest it is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// An entry of a kustomization's `replicas`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Replicas {
    /// The workload's name.
    pub name: String,
    /// The wanted number of replicas.
    pub count: u32,
}

/// A change of one document of a YAML file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// The file, relative to the repository's root.
    #[schemars(length(max = 512))]
    pub file: String,
    /// Which document of the file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Dotted path to wanted value; a missing key is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// A change of one block of a Terraform file, or of a `.tfvars` file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Terraform {
    /// The file, relative to the repository's root.
    #[schemars(length(max = 512))]
    pub file: String,
    /// The block's address: `module.eks`, `aws_instance.web`, `data.aws_ami.x`, `variable.size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// The block by type and labels, instead of `block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Dotted path to wanted value; a missing attribute is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// One format-level step at a path of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What to do there.
    pub op: Op,
    /// Where.
    pub path: Path,
    /// The wanted value; an explicit `null` is a value.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// HCL only, instead of `value`: an expression to be written as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// HCL only: write an object as a nested block.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// What an edit does at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The path exists; its value becomes the wanted one.
    Set,
    /// The path does not exist; missing parents are made as maps.
    Add,
    /// The key or element goes.
    Delete,
    /// The value becomes the last element of the list at the path.
    Append,
}

/// How a new HCL value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As a nested block.
    Block,
}

/// Picks one document of a YAML file or one top-level block of an HCL file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Select {
    /// The YAML document at this place, counting from 0.
    Index(SelectIndex),
    /// The HCL block of this type and labels.
    Block(SelectBlock),
    /// The YAML document that describes this Kubernetes object.
    Object(SelectObject),
}

/// The YAML document at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectIndex {
    /// Counting documents from 0.
    pub index: usize,
}

/// An HCL block by type and labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectBlock {
    /// The block's type, `resource`.
    pub block: String,
    /// Its labels, all of them.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A Kubernetes object by what it calls itself; what is left out is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectObject {
    /// The object's `kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object's `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The object's `metadata.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Step {
    /// A map's key, an attribute or a nested block's type.
    Key(String),
    /// A list's element, counting from 0.
    Index(usize),
    /// The one element that has all these fields (`labels` picks an HCL block by labels).
    Match(BTreeMap<String, Value>),
}

/// A place in a document: `a.b."c.d/e"[name=app][0]`, or a list of its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Reads the dotted form; the error names the character it stopped at, counting from 1.
    pub fn parse(text: &str) -> Result<Path, String> {
        Reader { text, at: 0 }.path()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn path(mut self) -> Result<Path, String> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                None if steps.is_empty() => return self.fail("an empty path"),
                Some('[') => steps.push(self.bracket()?),
                Some(_) | None => steps.push(Step::Key(self.key(&['.', '[', ']'])?)),
            }
            match self.peek() {
                None => return Ok(Path(steps)),
                Some('.') => self.at += 1,
                Some('[') => {}
                Some(_) => return self.fail("expected `.` or `[`"),
            }
        }
    }

    fn bracket(&mut self) -> Result<Step, String> {
        self.at += 1;
        let quoted = self.peek() == Some('"');
        let name = self.key(&['=', ']'])?;
        let step = match (self.peek(), name.parse()) {
            (Some(']'), Ok(index)) if !quoted => Step::Index(index),
            (Some(']'), _) => Step::Key(name),
            (Some('='), _) => {
                self.at += 1;
                let value = self.key(&[']'])?;
                Step::Match(BTreeMap::from([(name, Value::String(value))]))
            }
            _ => return self.fail("expected `]`"),
        };
        match self.peek() {
            Some(']') => {
                self.at += 1;
                Ok(step)
            }
            _ => self.fail("expected `]`"),
        }
    }

    fn key(&mut self, ends: &[char]) -> Result<String, String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let len = rest.find(ends).unwrap_or(rest.len());
        if len == 0 {
            return self.fail("expected a key");
        }
        self.at += len;
        Ok(rest[..len].to_owned())
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut stream = serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter();
        match stream.next() {
            Some(Ok(key)) => {
                self.at += stream.byte_offset();
                Ok(key)
            }
            _ => self.fail("the quoted key does not end"),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn fail<T>(&self, what: &str) -> Result<T, String> {
        let column = self.text[..self.at].chars().count() + 1;
        Err(format!("path `{}`: {what} at character {column}", self.text))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if plain(key) && n == 0 => write!(out, "{key}")?,
                Step::Key(key) if plain(key) => write!(out, ".{key}")?,
                Step::Key(key) if n == 0 => write!(out, "{}", Value::String(key.clone()))?,
                Step::Key(key) => write!(out, ".{}", Value::String(key.clone()))?,
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Match(fields) => write_match(out, fields)?,
            }
        }
        Ok(())
    }
}

fn write_match(out: &mut fmt::Formatter<'_>, fields: &BTreeMap<String, Value>) -> fmt::Result {
    out.write_str("[")?;
    for (n, (field, value)) in fields.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        match value {
            Value::String(text) if plain(text) => write!(out, "{comma}{field}={text}")?,
            other => write!(out, "{comma}{field}={other}")?,
        }
    }
    out.write_str("]")
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | '@'))
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a path: `a.b[name=x][0]` or a list of keys, integers and objects")]
        enum Form {
            Text(String),
            Steps(Vec<Step>),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Path::parse(&text).map_err(serde::de::Error::custom),
            Form::Steps(steps) => Ok(Path(steps)),
        }
    }
}

impl JsonSchema for Path {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let step = generator.subschema_for::<Step>();
        schemars::json_schema!({
            "description": "A place in a document: `a.b.\"c.d/e\"[name=app][0]`, or a list of its steps.",
            "anyOf": [{"type": "string", "maxLength": 1024}, {"type": "array", "items": step, "maxItems": 64}]
        })
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_and_print() {
        let path = Path::parse(r#"a.b."c.d/e"[name=app][0]["x.y"].k"#).expect("reads");
        let json = serde_json::to_string(&path).expect("prints");
        assert_eq!(json, r#"["a","b","c.d/e",{"name":"app"},0,"x.y","k"]"#);
        assert_eq!(path.to_string(), r#"a.b."c.d/e"[name=app][0]."x.y".k"#);
        let again: Path = serde_json::from_str(&json).expect("reads again");
        assert_eq!(again, path);
    }

    #[test]
    fn bad_paths_name_the_place() {
        for (text, place) in
            [("", "character 1"), ("a..b", "character 3"), ("a[0", "character 4"), ("a.", "character 3")]
        {
            let error = Path::parse(text).expect_err(text);
            assert!(error.contains(place), "{text}: {error}");
        }
    }

    #[test]
    fn null_is_a_value() {
        let edit: Edit = serde_json::from_str(r#"{"op":"set","path":"a","value":null}"#).expect("reads");
        assert_eq!(edit.value, Some(Value::Null));
    }
}
