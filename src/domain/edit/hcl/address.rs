//! Reads a Terraform address as the block it names.
//!
//! Must not look into a file: whether the block is there is found out later.

use crate::domain::change::SelectBlock;
use crate::domain::edit::{Code, Refusal};

/// Reads `module.eks`, `aws_instance.web`, `data.aws_ami.x`, `variable.size`, `provider.aws`, `locals` or `terraform`.
pub fn address(text: &str) -> Result<SelectBlock, Refusal> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().any(|part| !is_name(part)) {
        return Err(fault(text, "names are letters, digits, `_` and `-` with dots between; instances have no block"));
    }
    match parts.as_slice() {
        ["locals" | "terraform"] => Ok(block(parts[0], &[])),
        ["module" | "variable" | "output" | "provider" | "check", name] => Ok(block(parts[0], &[name])),
        ["var", name] => Ok(block("variable", &[name])),
        ["data" | "ephemeral" | "resource", kind, name] => Ok(block(parts[0], &[kind, name])),
        ["local", ..] => Err(fault(text, "name the block `locals` and put the value's name into the path")),
        ["module", _, ..] => Err(fault(text, "what is inside a module is edited in the module's own file")),
        ["data" | "ephemeral" | "resource", ..] => Err(fault(text, "a type and a name are expected")),
        [kind, name] => Ok(block("resource", &[kind, name])),
        _ => Err(fault(text, "it names no block")),
    }
}

/// Writes a block's type and labels as people write its address.
pub(super) fn steps(select: &SelectBlock) -> Vec<String> {
    let mut steps = select.labels.clone();
    if select.block != "resource" {
        steps.insert(0, select.block.clone());
    }
    steps
}

fn block(kind: &str, labels: &[&str]) -> SelectBlock {
    SelectBlock { block: kind.to_owned(), labels: labels.iter().map(|label| (*label).to_owned()).collect() }
}

fn fault(text: &str, what: &str) -> Refusal {
    Refusal::of(Code::Parse, format!("`{text}` is no address of a block: {what}")).at(text)
}

fn is_name(part: &str) -> bool {
    part.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_blocks() {
        let table: [(&str, &str, &[&str]); 9] = [
            ("module.eks", "module", &["eks"]),
            ("aws_instance.web", "resource", &["aws_instance", "web"]),
            ("resource.aws_instance.web", "resource", &["aws_instance", "web"]),
            ("data.aws_ami.x", "data", &["aws_ami", "x"]),
            ("variable.size", "variable", &["size"]),
            ("var.size", "variable", &["size"]),
            ("provider.aws", "provider", &["aws"]),
            ("locals", "locals", &[]),
            ("terraform", "terraform", &[]),
        ];
        for (text, kind, labels) in table {
            assert_eq!(address(text).expect(text), block(kind, labels), "{text}");
        }
    }

    #[test]
    fn what_names_no_block_is_refused() {
        for text in
            ["", "aws_instance", "module", "module.a.module.b", "aws_instance.web[0]", "data.x", "local.a", "a..b"]
        {
            assert_eq!(address(text).expect_err(text).code, Code::Parse, "{text}");
        }
    }
}
