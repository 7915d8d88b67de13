#!/usr/bin/env python3
"""One scalar set by a ruamel.yaml round trip, on the files that `cargo bench --bench edit -- --write DIR` writes.

  ruamel_set.py DIR

Prints the middle of a few runs for each file, in processor time, and whether more than the one scalar has changed.
"""
import io
import pathlib
import statistics
import sys
import time

try:
    from ruamel.yaml import YAML
except ImportError:
    print("skipped: ruamel.yaml is not installed")
    sys.exit(0)


def round_trip(text, path):
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    data = yaml.load(text)
    here = data
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = "1Gi"
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()


def main(folder):
    for file in sorted(folder.glob("*.yaml"), key=lambda file: int(file.stem)):
        text = file.read_text()
        path = file.with_suffix(".path").read_text().split(".")
        runs, times, after = (1 if len(text) > 1_000_000 else 5), [], ""
        for _ in range(runs):
            begun = time.process_time()
            after = round_trip(text, path)
            times.append(time.process_time() - begun)
        lines = sum(1 for a, b in zip(text.splitlines(), after.splitlines()) if a != b)
        print(f"ruamel.yaml, {len(text):>8} bytes: {statistics.median(times) * 1e3:12.3f} ms, {lines} lines differ")


main(pathlib.Path(sys.argv[1]))
