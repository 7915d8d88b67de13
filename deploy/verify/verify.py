#!/usr/bin/env python3
"""verify.py BODY.md PUBLIC_KEY.pem [AT]: proves the attestation in a pull request's body without countersign.
Exit 0 and the statement, or 4 and `<reason code>: <sentence>`. AT is RFC 3339, else now. Needs `cryptography`."""
import base64, datetime, hashlib, json, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
BEGIN, END = "-----BEGIN COUNTERSIGN ATTESTATION-----", "-----END COUNTERSIGN ATTESTATION-----"
FIRST, TYPE, BAD = "### countersign: attested remediation", "application/vnd.in-toto+json", "attestation.malformed"
ROWS = {"": "_type predicate predicateType subject", "predicate": "v binding trust issuedAt notAfter nonce key audit",
        "binding": "instance tenant forge pr base head merge change proposal approvals policy body rollback editor",
        "forge": "kind host repoId repo", "pr": "number", "base": "ref sha", "head": "ref sha", "merge": "method tree",
        "change": "actionKind class tier destructive files changeset", "proposal": "id digest", "rollback": "sha256",
        "policy": "digest decision", "body": "sha256", "trust": "good total lowerBound score mode",
        "approval": "approver at jti kid sha256", "key": "kid keysetVersion", "audit": "origin index leaf"}
class Fault(Exception): "why not: `<code>: <sentence>`"
def need(holds, code, text):
    if not holds: raise Fault(f"{code}: {text}")
def pairs(items):
    return need(len(dict(items)) == len(items), BAD, "a key stands twice") or dict(items)
def strict(raw):  # JSON in its one form (RFC 8785): no second key of a name, no other bytes
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=pairs, parse_float=lambda text: need(False, BAD, f"the number {text}"))
    form = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return need(form.encode() == raw, BAD, "JSON that is not in its one form") or value
def unbase(text, url=False):
    raw = base64.b64decode(text + "=" * (-len(text) % 4) if url else text, b"-_" if url else None, validate=True)
    form = base64.b64encode(raw, b"-_" if url else None).decode()
    return need((form.rstrip("=") if url else form) == text, BAD, "base64 that is not in its one form") or raw
def known(value, name=""):
    need(isinstance(value, dict) and set(value) == set(ROWS[name].split()), BAD, f"the rows of `{name}`")
    for key in value.keys() & ROWS.keys(): known(value[key], key)
def region(body):  # the envelope's bytes, and SHA-256 of the signed text above it
    lines = [line.removesuffix("\r") for line in body.split("\n")]
    need(not any("\r" in line for line in lines), BAD, "a carriage return inside a line")
    begins, ends = ([n for n, line in enumerate(lines) if mark in line] for mark in (BEGIN, END))
    need(begins or ends, "attestation.missing", "the body holds no attestation")
    need(begins and ends, BAD, "only one of the two markers")
    need(len(begins) == len(ends) == 1, "attestation.ambiguous", "more than one attestation")
    begin, end = begins[0], ends[0]
    need(begin < end - 1 and lines[begin] == BEGIN and lines[end] == END, BAD, "the markers are not as they were")
    *full, last = lines[begin + 1:end]
    need(all(len(line) == 64 for line in full) and 0 < len(last) <= 64, BAD, "lines of 64 characters")
    need(re.fullmatch(r"[A-Za-z0-9_-]{1,21845}", "".join(full) + last), BAD, "the armor's characters or size")
    firsts = [n for n, line in enumerate(lines) if line.rstrip() == FIRST]
    text = "\n".join(line.rstrip(" \t") for line in lines[firsts[0] if firsts else 0:begin]).rstrip("\n")
    found = len(firsts) == 1 and firsts[0] < begin
    return unbase("".join(full) + last, True), hashlib.sha256(text.encode()).hexdigest() if found else None
def verify(body, key, at):
    raw, text = region(body)
    envelope = strict(raw)
    need(set(envelope) == {"payload", "payloadType", "signatures"}, BAD, "the envelope's keys")
    need(envelope["payloadType"] == TYPE and len(envelope["signatures"]) == 1, BAD, "the payload's type, or signatures")
    signed, payload = envelope["signatures"][0], unbase(envelope["payload"])
    x = base64.urlsafe_b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode().rstrip("=")
    thumb = hashlib.sha256(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x.encode()).digest()
    kid = base64.urlsafe_b64encode(thumb).decode().rstrip("=")
    need(set(signed) == {"keyid", "sig"}, BAD, "the signature's keys"), need(signed["keyid"] == kid, "key.unknown", "signed with another key")
    key.verify(unbase(signed["sig"]), b"DSSEv1 %d %s %d " % (len(TYPE), TYPE.encode(), len(payload)) + payload)
    known(statement := strict(payload))
    predicate, bound = statement["predicate"], statement["predicate"]["binding"]; [known(one, "approval") for one in bound["approvals"]]
    subjects = [("head", "gitCommit", bound["head"]["sha"]), ("merge", "gitTree", bound["merge"]["tree"]),
                ("changeset", "sha256", bound["change"]["changeset"])]
    wanted = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:countersign:remediation:v1",
              "subject": [{"digest": {kind: value}, "name": name} for name, kind, value in subjects]}
    need({**statement, **wanted} == statement and predicate["v"] == 1, BAD, "another statement than ours")
    need(predicate["key"]["kid"] == kid, "key.mismatch", "the statement names another key than the envelope")
    need(text == bound["body"]["sha256"], "body_changed", "the text above the attestation is not what was signed")
    issued, ends = (datetime.datetime.fromisoformat(predicate[name]) for name in ("issuedAt", "notAfter"))
    need(issued <= at + datetime.timedelta(seconds=60), "attestation.not_yet", f"issued at {issued}")
    need(at < ends, "attestation.expired", f"valid until {ends}")
    return statement
if __name__ == "__main__":
    try:
        at = datetime.datetime.fromisoformat((sys.argv[3:] or [datetime.datetime.now(datetime.timezone.utc).isoformat()])[0])
        with open(sys.argv[1], newline="", encoding="utf-8") as body, open(sys.argv[2], "rb") as pem:
            print(json.dumps(verify(body.read(), load_pem_public_key(pem.read()), at)))
    except InvalidSignature: sys.exit(print("attestation.signature: it does not fit these bytes and this key") or 4)
    except Fault as fault: sys.exit(print(fault) or 4)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as fault:
        sys.exit(print(f"{BAD}: {fault!r}") or 4)
