//! What one scalar costs in a values file of 10 KB, 100 KB and 5 MB, proof included, and how that grows with the file.
//!
//! A byte of the largest YAML file may cost no more than one of the smallest; in HCL, whose whole model is built for every
//! proof and leaves the processor's caches, twice as much. With `--write DIR` the files are written there instead, for the
//! peers in `benches/peers`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use countersign::domain::change::{Edit, Op, Path};
use countersign::domain::edit::{hcl, yaml};
use serde_json::json;
use std::time::{Duration, Instant};

const SIZES: [(&str, usize); 3] = [("10 KB", 10_000), ("100 KB", 100_000), ("5 MB", 5_000_000)];
/// The most that a byte of the largest file may cost, compared with one of the smallest.
const GROWTH_YAML: f64 = 1.0;
const GROWTH_HCL: f64 = 2.0;

/// A values file of about this size; the place that is set stands in its middle.
fn values(size: usize) -> (String, String) {
    let mut text = String::from("# Values of many services.\nglobal:\n  registry: ghcr.io/acme\n");
    let mut n = 0;
    while text.len() < size {
        text.push_str(&format!(
            "service{n:05}:\n  # kept by the team of service {n}\n  image: {{repository: acme/service{n}, tag: \"1.{n}.0\"}}\n  \
             replicas: {}\n  description: >-\n    {}\n  resources:\n    limits:\n      memory: 512Mi # measured\n      cpu: 500m\n  env:\n    - name: LEVEL\n      \
             value: info\n    - name: PORT\n      value: \"80{}\"\n",
            1 + n % 7,
            "What this service is for, who is called when it fails, and where its runbook lies. ".repeat(8).trim_end(),
            n % 90 + 10
        ));
        n += 1;
    }
    (text, format!("service{:05}.resources.limits.memory", n / 2))
}

/// A `.tfvars` file of about this size.
fn variables(size: usize) -> (String, String) {
    let (mut text, mut n) = (String::new(), 0);
    while text.len() < size {
        text.push_str(&format!(
            "# pool {n}\npool{n:05} = {{\n  size   = {}\n  zone   = \"eu-west-1{}\"\n  labels = [\"a\", \"b\"]\n}}\n\n",
            n % 9,
            ["a", "b", "c"][n % 3]
        ));
        n += 1;
    }
    (text, format!("pool{:05}.size", n / 2))
}

/// The time this thread has had a processor, where the system tells; a busy machine does not count then.
fn now(begun: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

/// What one run takes, from as many as make 400 ms together, three at least; the better of two such rounds.
fn measure(mut run: impl FnMut()) -> Duration {
    run();
    let round = |run: &mut dyn FnMut()| {
        let (begun, mut runs) = (Instant::now(), 0);
        let start = now(begun);
        while runs < 3 || now(begun).saturating_sub(start) < Duration::from_millis(400) {
            run();
            runs += 1;
        }
        now(begun).saturating_sub(start) / runs
    };
    round(&mut run).min(round(&mut run))
}

fn yaml_set(text: &str, path: &str) -> Duration {
    let path = Path::parse(path).unwrap();
    let edit = [Edit { op: Op::Set, path, value: Some(json!("1Gi")), expr: None, form: None }];
    let done = yaml::edit(text.as_bytes(), None, &edit).expect("edits");
    assert_eq!(done.bytes.len(), text.len() - 2, "only 512Mi became 1Gi");
    measure(|| drop(yaml::edit(text.as_bytes(), None, &edit).expect("edits")))
}

fn hcl_set(text: &str, path: &str) -> Duration {
    let path = Path::parse(path).unwrap();
    let edit = [Edit { op: Op::Set, path, value: Some(json!(12)), expr: None, form: None }];
    let done = hcl::edit(text.as_bytes(), None, &edit).expect("edits");
    assert_eq!(done.bytes.len(), text.len() + 1, "only one digit became two");
    measure(|| drop(hcl::edit(text.as_bytes(), None, &edit).expect("edits")))
}

fn report(name: &str, make: fn(usize) -> (String, String), set: fn(&str, &str) -> Duration, limit: f64) {
    let mut rates = Vec::new();
    for (size, bytes) in SIZES {
        let (text, path) = make(bytes);
        let took = set(&text, &path);
        let rate = took.as_nanos() as f64 / text.len() as f64;
        rates.push(rate);
        println!(
            "{name}, {size:>6} ({} bytes): {:>10.3} ms, {rate:>6.1} ns a byte",
            text.len(),
            took.as_secs_f64() * 1e3
        );
    }
    let growth = rates[rates.len() - 1] / rates[0];
    println!("{name}: a byte of the largest file costs {growth:.2} times one of the smallest");
    assert!(growth <= limit, "{name}: the time grows faster than the file: {growth:.2}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--write") {
        let folder = std::path::Path::new(arguments.get(at + 1).expect("a folder"));
        std::fs::create_dir_all(folder).unwrap();
        for (_, bytes) in SIZES {
            let (text, path) = values(bytes);
            std::fs::write(folder.join(format!("{bytes}.yaml")), text).unwrap();
            std::fs::write(folder.join(format!("{bytes}.path")), path).unwrap();
        }
        return;
    }
    report("YAML", values, yaml_set, GROWTH_YAML);
    report("HCL", variables, hcl_set, GROWTH_HCL);
}
