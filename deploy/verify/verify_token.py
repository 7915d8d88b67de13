#!/usr/bin/env python3
"""verify_token.py EXPECTED.json TOKEN [AT]: proves an approval token without countersign. EXPECTED.json holds `approvers`
(id, issuer, alg, revoked, kid, x) and `expected` (audience, tenant, proposal, name, digest, actionKind, class, tier, plan,
step, proposer, says), both as you know them and not as the token says; AT is seconds since 1970, else now. Exit 0 and the
claims, or 4 and `<reason code>: <sentence>`. That a token is used once only the service can tell. Needs `cryptography`."""
import base64, hashlib, json, re, sys, time, unicodedata
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
TEXTS, NUMBERS = "iss aud sub jti tnt prp dig act cls dec".split(), "iat nbf exp tier".split()
UUID, ULID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-7][0-9A-HJKMNP-TV-Z]{25}"
class Refused(Exception): "why not: `<code>: <sentence>`"
def need(holds, code, text):
    if not holds: raise Refused(f"token.{code}: {text}")
def decode(text):  # base64url in its one form
    try: raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError: raise Refused("token.form: not base64url")
    form = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return need(form == text, "form", "base64url that is not in its one form") or raw
def strict(raw, code):  # JSON without a second key of a name, and numbers in their one spelling below 2^53
    def pairs(items): return need(len(dict(items)) == len(items), code, "a key stands twice") or dict(items)
    def whole(text): return need(re.fullmatch("0|-?[1-9][0-9]*", text) and abs(int(text)) < 2**53, code, f"the number {text}") or int(text)
    try:
        text = raw.decode("utf-8")
        need(text.startswith("{") and text.endswith("}"), code, "not a JSON object")
        return json.loads(text, object_pairs_hook=pairs, parse_int=whole, parse_float=whole, parse_constant=whole)
    except (ValueError, RecursionError) as fault: raise Refused(f"token.{code}: {fault}")
def claims_of(raw):
    claims = strict(raw, "claims")
    known = set(TEXTS + NUMBERS)
    need(known <= set(claims) <= known | {"rsn", "plan", "step", "amr"}, "claims", "its members")
    need(all(type(claims[k]) is str for k in TEXTS), "claims", "a claim that is no text")
    need(all(type(claims[k]) is int and claims[k] >= 0 for k in NUMBERS) and claims["tier"] < 256, "claims", "a claim that is no number")
    need(all(re.fullmatch("[0-9a-f]{64}", claims[k]) for k in ("dig", "cls")), "claims", "a digest")
    need(re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", claims["tnt"]) and claims["dec"] in ("approve", "reject"), "claims", "tnt or dec")
    rsn, plan, step, amr = (claims.get(k) for k in ("rsn", "plan", "step", "amr"))
    need(all(one is None or type(one) is str for one in (rsn, plan)), "claims", "rsn or plan")
    need(step is None or type(step) is int and 0 <= step < 2**32, "claims", "step")
    need(amr is None or type(amr) is list and all(type(one) is str for one in amr), "claims", "amr")
    return claims
def times(claims, now):  # `exp` has no leeway; `nbf` and `iat` may be a minute ahead
    iat, nbf, exp = claims["iat"], claims["nbf"], claims["exp"]
    need(exp > iat and exp > nbf, "times", "it ends before it begins")
    need(exp - iat <= (4 * 3600 if claims["tier"] == 3 else 900), "life", "it lives longer than a token of its tier may")
    need(exp > now, "expired", "it has expired")
    need(nbf <= now + 60 and iat <= now + 60, "not_yet", "it is not valid yet")
def reason(says, rsn):
    if says == "approve": return need(rsn is None, "reason", "an approval carries no reason")
    plain = rsn and rsn.strip() and len(rsn) <= 500 and not any(unicodedata.category(c) == "Cc" for c in rsn)
    need(plain, "reason", "a rejection carries a reason of one line and 1 to 500 characters")
def own(approver, proposer):
    names = [approver["id"], approver.get("person", approver["id"]), approver.get("forgeUser")]
    return proposer in names or proposer.removeprefix("person:") in names or proposer in approver.get("principals", [])
def verify(token, approvers, expected, says, now):
    need(len(token.encode()) <= 8192, "too_large", "a token may have 8192 bytes")
    need(token.count(".") == 2, "form", "not a compact JWS of three parts")
    parts = token.split(".")
    header = strict(decode(parts[0]), "header")
    need(set(header) == {"alg", "kid", "typ"} and all(type(one) is str for one in header.values()), "header", "its members")
    need(header["typ"] == "remediation-approval+jwt", "type", "another `typ`")
    signature, payload = decode(parts[2]), decode(parts[1])
    need(len(signature) == 64, "form", "a signature of another length")
    approver = next((one for one in approvers if one["kid"] == header["kid"]), None)
    need(approver, "key_unknown", "no approver has this key")
    jwk = b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % approver["x"].encode()
    thumb = base64.urlsafe_b64encode(hashlib.sha256(jwk).digest()).decode().rstrip("=")
    need(thumb == header["kid"], "key_unknown", "EXPECTED.json names another thumbprint than the key has")
    need(not approver["revoked"], "key_revoked", "the approver was revoked")
    need(header["alg"] == approver["alg"], "alg", "not the `alg` that is pinned for the key")
    try: Ed25519PublicKey.from_public_bytes(decode(approver["x"])).verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except InvalidSignature: raise Refused("token.signature: it does not fit these bytes and this key")
    claims = claims_of(payload)
    need(claims["iss"] == approver["issuer"], "issuer", "not the issuer of the key that signed")
    need(claims["sub"] == approver["id"], "subject", "not the approver whose key signed")
    need(claims["aud"] == expected["audience"], "audience", "not this service and tenant")
    need(claims["tnt"] == expected["tenant"], "tenant", "another tenant")
    need(re.fullmatch(f"{UUID}|{ULID}", claims["jti"]), "id", "neither a UUID nor a ULID in canonical text")
    amr = claims.get("amr") or []
    need(len(amr) <= 8 and all(len(one.encode()) <= 64 for one in amr), "claims", "`amr` is too long")
    need(claims["dec"] == says, "decision", "not what is asked for")
    need(claims["prp"] in (expected["proposal"], expected.get("name") or expected["proposal"]), "proposal", "another proposal")
    need(claims["dig"] == expected["digest"], "digest", "not the digest of this proposal")
    need(claims["act"] == expected["actionKind"], "action", "another action kind")
    need(1 <= claims["tier"] <= 3 and claims["tier"] == expected["tier"], "tier", "another tier")
    need(claims["cls"] == expected["class"], "class", "another class")
    need((claims.get("plan") is None) == (claims.get("step") is None), "plan", "`plan` and `step` stand together")
    need([claims.get(k) for k in ("plan", "step")] == [expected.get(k) for k in ("plan", "step")], "plan", "another step")
    reason(says, claims.get("rsn"))
    times(claims, now)
    if says == "approve" and own(approver, expected["proposer"]): raise Refused("approval.own: nobody approves what they proposed")
    return claims
if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as known: known = json.load(known)
        now = int((sys.argv[3:] or [time.time()])[0])
        print(json.dumps(verify(sys.argv[2], known["approvers"], known["expected"], known["expected"].get("says", "approve"), now)))
    except Refused as fault: sys.exit(print(fault) or 4)
