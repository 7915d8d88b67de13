use crate::domain::change::Change;
use crate::domain::edit::{Code, Files, Refusal, apply};
use serde_json::{Value, json};
use std::collections::BTreeMap;

struct Folder(BTreeMap<&'static str, &'static str>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
    }

    fn list(&self, directory: &str, _: usize) -> Result<Vec<String>, Refusal> {
        let below = |path: &&&str| path.starts_with(&format!("{directory}/"));
        Ok(self.0.keys().filter(below).map(|path| (*path).to_owned()).collect())
    }
}

const MAIN: &str = r#"terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
  backend "s3" {
    bucket = "state"
  }
}

provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "west"
  region = "us-west-2"
}

locals {
  size = 3
}

locals {
  tags = { team = "shop" }
}

module "vpc" {
  source = "git::https://git.example/vpc.git//net?depth=1&ref=v1.2.0"
  tags   = local.tags
}

module "eks" {
  source  = "acme/eks/aws"
  version = "20.1.0"
}

resource "aws_instance" "web" {
  ami = data.aws_ami.base.id

  ebs_block_device {
    device_name = "/dev/sda"
    volume_size = 8
  }
  ebs_block_device {
    device_name = "/dev/sdb"
    volume_size = 16
  }

  dynamic "setting" {
    for_each = var.settings
    content {
      name = setting.key
    }
  }

  provisioner "local-exec" {
    command = "echo one"
  }
}

variable "size" {
  type    = number
  default = 3
}
"#;

/// What stands there instead of what stood there, line for line.
fn change(words: Value) -> Result<Vec<String>, Refusal> {
    let files = Folder([("m/main.tf", MAIN), ("m/more.tf", "locals {\n  zone = \"a\"\n}\n")].into());
    let changes: Vec<Change> = serde_json::from_value(json!([{ "terraform": words }])).expect("words");
    let applied = apply(&files, &changes)?;
    let mut lines = Vec::new();
    for line in applied.unified_diff().lines().filter(|line| !line.starts_with("+++") && !line.starts_with("---")) {
        if line.starts_with(['+', '-']) {
            lines.push(line.to_owned());
        }
    }
    Ok(lines)
}

#[test]
fn blocks_are_found_by_address() {
    let main =
        |block: &str, path: &str, value: Value| json!({"file": "m/main.tf", "block": block, "set": {path: value}});
    for (words, wanted) in [
        (main("module.eks", "version", json!("20.2.0")), "-  version = \"20.1.0\"|+  version = \"20.2.0\""),
        (main("var.size", "default", json!(4)), "-  default = 3|+  default = 4"),
        (main("provider.aws", "region", json!("eu-north-1")), "-  region = \"eu-west-1\"|+  region = \"eu-north-1\""),
        (
            main("provider.aws.west", "region", json!("us-east-2")),
            "-  region = \"us-west-2\"|+  region = \"us-east-2\"",
        ),
        (main("locals", "size", json!(5)), "-  size = 3|+  size = 5"),
        (main("locals", "tags.team", json!("web")), "-  tags = { team = \"shop\" }|+  tags = { team = \"web\" }"),
        (
            main("terraform", "required_providers.aws.version", json!("~> 6.0")),
            "-      version = \"~> 5.0\"|+      version = \"~> 6.0\"",
        ),
        (
            main("aws_instance.web", "ebs_block_device[1].volume_size", json!(32)),
            "-    volume_size = 16|+    volume_size = 32",
        ),
        (
            main("aws_instance.web", "ebs_block_device[device_name=/dev/sda].volume_size", json!(9)),
            "-    volume_size = 8|+    volume_size = 9",
        ),
        (
            main("aws_instance.web", "ebs_block_device[volume_size=8].volume_size", json!(9)),
            "-    volume_size = 8|+    volume_size = 9",
        ),
        (
            main("aws_instance.web", "provisioner.local-exec.command", json!("true")),
            "-    command = \"echo one\"|+    command = \"true\"",
        ),
        (
            main("aws_instance.web", "dynamic[labels=setting].for_each", json!([])),
            "-    for_each = var.settings|+    for_each = []",
        ),
        (main("aws_instance.web", "tags.team", json!("web")), "+  tags = {|+    team = \"web\"|+  }"),
        (main("module.eks", "node.size", json!(4)), "+  node = {|+    size = 4|+  }"),
        (main("module.eks", "version", json!("20.1.0")), ""),
        (json!({"directory": "m", "block": "var.size", "default": 9}), "-  default = 3|+  default = 9"),
        (json!({"directory": "m/", "block": "locals", "set": {"zone": "b"}}), "-  zone = \"a\"|+  zone = \"b\""),
        (
            json!({"file": "m/main.tf", "block": "module.vpc", "ref": "v1.3.0"}),
            "-  source = \"git::https://git.example/vpc.git//net?depth=1&ref=v1.2.0\"|+  source = \"git::https://git.example/vpc.git//net?depth=1&ref=v1.3.0\"",
        ),
        (
            json!({"file": "m/main.tf", "block": "module.eks", "version": "20.9.0"}),
            "-  version = \"20.1.0\"|+  version = \"20.9.0\"",
        ),
        (json!({"file": "m/main.tf", "block": "var.size", "default": null}), "-  default = 3|+  default = null"),
        (
            json!({"file": "m/main.tf", "block": "locals", "expr": {"size": "max(1, 2)"}}),
            "-  size = 3|+  size = max(1, 2)",
        ),
        (json!({"file": "m/main.tf", "block": "locals", "expr": {"size": "3"}}), ""),
        (
            json!({"file": "m/main.tf", "block": "aws_instance.web", "set": {"lifecycle.prevent_destroy": true}, "expr": {"lifecycle.ignore_changes": "[ami]"}}),
            "+|+  lifecycle {|+    prevent_destroy = true|+    ignore_changes  = [ami]|+  }",
        ),
        (
            json!({"file": "m/main.tf", "block": "aws_instance.web", "set": {"lifecycle": {"prevent_destroy": true}}}),
            "+|+  lifecycle {|+    prevent_destroy = true|+  }",
        ),
        (
            json!({"file": "m/main.tf", "select": {"block": "variable", "labels": ["size"]}, "remove": ["type"], "edits": [{"op": "set", "path": "default", "value": 1}]}),
            "-  type    = number|-  default = 3|+  default = 1",
        ),
    ] {
        let got = change(words.clone()).unwrap_or_else(|refusal| panic!("{words}: {refusal}"));
        assert_eq!(got.join("|"), wanted, "{words}");
    }
}

#[test]
fn what_is_not_certain_is_refused() {
    let main =
        |block: &str, path: &str, value: Value| json!({"file": "m/main.tf", "block": block, "set": {path: value}});
    for (words, code, reason) in [
        (main("module.none", "a", json!(1)), Code::NotFound, "there are `module.vpc`, `module.eks`"),
        (main("provider.aws.east", "region", json!("x")), Code::NotFound, "`provider.aws.west`"),
        (main("locals", "fresh", json!(1)), Code::Ambiguous, "m/main.tf line 23, m/main.tf line 27"),
        (main("aws_instance.web", "metadata_options.http_tokens", json!("required")), Code::NotFound, "as: block"),
        (main("aws_instance.web", "ebs_block_device.volume_size", json!(1)), Code::Ambiguous, "line"),
        (main("terraform", "backend.s3.bucket", json!("mine")), Code::PathForbidden, "backend"),
        (
            json!({"file": "m/main.tf", "set": {"terraform[0].backend.s3.bucket": "mine"}}),
            Code::PathForbidden,
            "backend",
        ),
        (
            json!({"file": "m/main.tf", "edits": [{"op": "delete", "path": "terraform"}]}),
            Code::PathForbidden,
            "backend",
        ),
        (json!({"file": "m/main.tf", "set": {"size": 1}}), Code::NotFound, "block"),
        (json!({"file": "m/main.tf", "block": "module.vpc", "version": "1.0"}), Code::Parse, "ref"),
        (json!({"file": "m/main.tf", "block": "module.eks", "ref": "v1"}), Code::Parse, "git"),
        (json!({"file": "m/main.tf", "block": "module.vpc", "ref": "v1&x=1"}), Code::Parse, "reference"),
        (json!({"file": "m/main.tf", "block": "module.eks", "default": 1}), Code::Parse, "variable"),
        (json!({"file": "m/main.tf", "version": "1"}), Code::Parse, "module"),
        (json!({"file": "m/main.tf", "block": "var.size", "expr": {"default": "1, 2"}}), Code::Parse, "cannot be read"),
        (
            json!({"file": "m/main.tf", "block": "var.size", "expr": {"default": "1\nsensitive = true"}}),
            Code::Parse,
            "line",
        ),
        (json!({"directory": "m", "set": {"a": 1}}), Code::Parse, "block"),
        (json!({"directory": "m", "block": "var.none", "default": 1}), Code::NotFound, "none of the 2"),
        (json!({"directory": "../m", "block": "var.size", "default": 1}), Code::PathForbidden, ".."),
        (json!({"set": {"a": 1}}), Code::Parse, "directory"),
    ] {
        let refusal = change(words.clone()).err().unwrap_or_else(|| panic!("{words} was not refused"));
        assert_eq!(refusal.code, code, "{words}: {refusal}");
        assert!(refusal.reason.contains(reason), "{words}: {refusal}");
    }
}
