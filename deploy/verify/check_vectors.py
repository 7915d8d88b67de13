#!/usr/bin/env python3
"""check_vectors.py FOLDER: the two verifiers beside this file come to the verdicts that the published vectors name."""
import json, os, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
import verify_export, verify_token
def token(case, known):
    try: return verify_token.verify(case["token"], known["approvers"], known["expected"], case["says"], case["now"]) and ("proven", "")
    except verify_token.Refused as fault: return "refused", str(fault).split(":")[0]
def export(case, known):
    modes = {"internally consistent": "consistent", "consistent with the checkpoint": "checkpoint"}
    try:
        key = load_pem_public_key(known["key"].encode())
        kept = verify_export.checkpoint(case["checkpoint"], key) if "checkpoint" in case else None
        return "proven", modes[verify_export.verify(case["manifest"], case["entries"], kept)]
    except verify_export.Broken as fault: return "refused", fault.index
    except (ValueError, KeyError, TypeError): return "refused", None
bad = 0
for name, judge, wanted in (("token", token, "code"), ("export", export, "")):
    with open(os.path.join(sys.argv[1], f"{name}.json"), encoding="utf-8") as file: known = json.load(file)
    for case in known["cases"]:
        want = case["verdict"], case[wanted] if wanted else case.get("mode" if case["verdict"] == "proven" else "index")
        if (got := judge(case, known)) != want: bad += 1; print(f"{name}: {case['name']}: {got}, wanted {want}")
    print(f"{len(known['cases'])} {name} vectors")
sys.exit(1 if bad else 0)
