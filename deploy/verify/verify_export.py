#!/usr/bin/env python3
"""verify_export.py FOLDER [KEY.pem [CHECKPOINT]]: proves an export of an audit log without countersign. KEY is the log's
public key as you kept it, CHECKPOINT one you kept earlier, else the folder's own. Exit 0 and how much was proven, or 4 and
the first bad entry. Reads line by line. Needs `cryptography`."""
import base64, functools, hashlib, json, os, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
TEXTS, NUMBERS = "origin tenant prev type actor_ref proposal class decision reason_code payload_commit".split(), "v seq time_us pr payload_len".split()
FIRST, GONE = {"index", "leaf_b64", "leaf"}, ("payload_b64", "nonce", "redacted_by")
class Broken(Exception):
    def __init__(self, text, index=None): super().__init__(text); self.index = index
def need(holds, text, index=None):
    if not holds: raise Broken(text, index)
def pairs(items):
    return need(len(dict(items)) == len(items), "a key stands twice") or dict(items)
def number(text):
    return need(re.fullmatch(r"0|-?[1-9][0-9]*", text) and abs(int(text)) < 2**53, f"the number {text}") or int(text)
def strict(text):
    try: return json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=number)
    except ValueError as fault: raise Broken(f"not JSON: {fault}")
def unbase(text):
    try: raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError): raise Broken("not base64")
    return need(base64.b64encode(raw).decode() == text, "base64 that is not in its one form") or raw
def digest(text): return need(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), "not a digest") or bytes.fromhex(text)
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
class Tree:  # the roots of the perfect subtrees, largest first (RFC 6962)
    def __init__(self, size=0, roots=()): self.size, self.roots = size, list(roots)
    def push(self, leaf):
        size, self.size = self.size, self.size + 1
        while size & 1: leaf, size = sha(b"\1", self.roots.pop(), leaf), size >> 1
        self.roots.append(leaf)
    def root(self): return functools.reduce(lambda root, left: sha(b"\1", left, root), self.roots[::-1]) if self.roots else sha()
def checkpoint(note, key):  # a C2SP signed note: origin, size, root
    text, _, signatures = note.partition("\n\n")
    origin, size, root = (text.split("\n") + [""] * 3)[:3]
    need(text.count("\n") == 2 and re.fullmatch("0|[1-9][0-9]*", size) and len(unbase(root)) == 32, "the checkpoint's lines")
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    for line in signatures.splitlines():
        try:
            signed = base64.b64decode(line.removeprefix(f"\u2014 {origin}").lstrip(), validate=True)
            if not line.startswith(f"\u2014 {origin}") or signed[:4] != sha(origin.encode(), b"\n\1", raw)[:4]: continue
            return key.verify(signed[4:], f"{text}\n".encode()) or (origin, int(size), unbase(root))
        except (ValueError, InvalidSignature): pass
    raise Broken("no signature of the checkpoint fits the key")
def leaf_of(raw, manifest, tree, prev, time):
    leaf = strict(raw.decode("utf-8"))
    need(isinstance(leaf, dict) and sorted(leaf) == sorted(TEXTS + NUMBERS), "the leaf's fields")
    need(all(type(leaf[k]) is str for k in TEXTS) and all(type(leaf[k]) is int for k in NUMBERS), "the leaf's types")
    form = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    need(form == raw and leaf["v"] == 1 and min(leaf[k] for k in NUMBERS if k != "time_us") >= 0, "a leaf of another form")
    need(leaf["decision"] in ("allow", "wait", "refuse", "note"), "a decision that is none")
    need(leaf["seq"] == tree.size and (prev is None or digest(leaf["prev"]) == prev), "it does not follow the one before it")
    need((leaf["origin"], leaf["tenant"]) == (manifest["origin"], manifest["tenant"]), "it belongs to another log")
    need(time is None or leaf["time_us"] > time, "it is not later than the one before it")
    return digest(leaf["prev"]) and leaf
def verify(manifest, lines, kept=None):  # kept: (origin, size, root); how much was proven, or (index, reason) as Broken
    need(set(manifest) - {"only", "pruned"} == {"v", "origin", "tenant", "size", "root", "parts"} and manifest["v"] == 1, "the manifest")
    pruned, only, tree, prev, time = manifest.get("pruned"), manifest.get("only"), Tree(), bytes(32), None
    if pruned:
        fits = set(pruned) == {"before", "roots"} and 0 < pruned["before"] < manifest["size"]
        need(fits and pruned["before"].bit_count() == len(pruned["roots"]), "the manifest's pruned entries")
        tree, prev = Tree(pruned["before"], map(digest, pruned["roots"])), None
    said, seen, redactors = not pruned, False, set()
    need(not kept or kept[0] == manifest["origin"], "the kept checkpoint is of another log")
    need(not kept or kept[1] == 0 or kept[1] >= tree.size, "the kept checkpoint is older than what was pruned")
    def compare():
        if not kept or kept[1] not in (0, tree.size): return seen
        return need(kept[1] == 0 or kept[2] == tree.root(), "the entries do not have the kept checkpoint's root") or True
    seen = compare()
    for line in lines:
        index = tree.size
        try:
            entry = strict(line)
            need(isinstance(entry, dict) and FIRST <= set(entry) <= FIRST | set(GONE), "the entry's fields")
            leaf = leaf_of(raw := unbase(entry["leaf_b64"]), manifest, tree, prev, time)
            need(entry["index"] == leaf["seq"] and entry["leaf"] == leaf, "the readable copy is not the leaf")
            seq, kind, gone = leaf["seq"], leaf["type"], [entry.get(k) for k in GONE]
            need(seq not in redactors or kind.startswith("redaction."), "an entry says that this redacted it")
            redactors.discard(seq)
            if gone[:2] == [None, None] and gone[2] is not None: redactors.add(need(gone[2] > seq, "redacted by an earlier one") or gone[2])
            elif gone != [None] * 3 or only is None or kind in only:
                need(None not in gone[:2] and gone[2] is None, "the payload is missing, and no entry says why")
                commit = sha(b"payload-v1\0", digest(gone[1]), payload := unbase(gone[0]))
                need((len(payload), commit) == (leaf["payload_len"], digest(leaf["payload_commit"])), "another payload")
            said = said or (kind, leaf["reason_code"]) == ("log.pruned", f"before:{pruned['before']}")
            tree.push(prev := sha(b"\0", raw)); time = leaf["time_us"]; seen = compare()
        except (Broken, ValueError, KeyError, TypeError, RecursionError) as fault: raise Broken(f"{fault}", index)
    need(tree.size == manifest["size"], "the export ends here, its manifest says otherwise", tree.size)
    need(said, "the first entries are missing, and no entry says that they were pruned")
    need(not redactors, "an entry names this one as its redaction", min(redactors, default=None))
    need(tree.root() == digest(manifest["root"]), "the entries do not have the manifest's root")
    need(not kept or seen, "the kept checkpoint has more entries", tree.size)
    return "consistent with the checkpoint" if kept else "internally consistent"
def main(folder, key=None, kept=None):
    read = lambda name: open(os.path.join(folder, name), encoding="utf-8").read()
    manifest, sha256 = strict(read("manifest.json")), hashlib.sha256()
    need([part["name"] for part in manifest["parts"]] == ["entries.ndjson"], "manifest.json: the parts")
    if key:
        with open(key, "rb") as pem, open(kept or os.path.join(folder, "checkpoint"), encoding="utf-8") as note:
            kept = checkpoint(note.read(), load_pem_public_key(pem.read()))
    def lines():
        with open(os.path.join(folder, "entries.ndjson"), "rb") as entries:
            for line in entries: sha256.update(line); yield line.removesuffix(b"\n").decode("utf-8")
    told = verify(manifest, lines(), kept)
    need(sha256.hexdigest() == manifest["parts"][0]["sha256"], "this is not the file that the manifest names")
    print(f"verified: {manifest['size']} entries of {manifest['origin']}, {told}, root {manifest['root']}")
if __name__ == "__main__":
    try: main(*sys.argv[1:4])
    except Broken as fault: sys.exit(print(f"not proven: entry {fault.index}: {fault}" if fault.index is not None else f"not proven: {fault}") or 4)
    except (ValueError, KeyError, TypeError, RecursionError) as fault: sys.exit(print(f"not proven: {fault!r}") or 4)
