#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets: sixteen bytes that choose an edit, then a document of the fixtures."""
import hashlib
import pathlib

here = pathlib.Path(__file__).parent
fixtures = here.parent / "fixtures"
ends = {"yaml_edit": (".yaml", ".yml", ".json"), "hcl_edit": (".tf", ".tfvars")}
for target, suffixes in ends.items():
    corpus = here / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    for path in sorted(fixtures.rglob("*")):
        if not path.is_file() or not path.name.endswith(suffixes) or path.stat().st_size > 4096:
            continue
        document = path.read_bytes()
        for turn in range(3):
            script = hashlib.sha256(bytes([turn]) + document).digest()[:16]
            name = hashlib.sha256(script + document).hexdigest()[:16]
            (corpus / name).write_bytes(script + document)
    print(target, len(list(corpus.iterdir())), "seeds")
