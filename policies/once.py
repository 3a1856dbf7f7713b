"""Which wish a call carries: its Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07) and its fingerprint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from policies.call import Call
from policies.errors import IdempotencyKeyMalformed, IdempotencyKeyMissing

FIELD = "idempotency-key"
LONGEST_KEY = 255

# RFC 8941 §3.3.3: a String holds printable ASCII, quote and backslash only behind a backslash
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')
_BARE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def idempotency_key(call: Call) -> str:
    """The key of the call; `"x"` and `x` are the same one."""
    sent = [value.strip() for value in call.every(FIELD)]
    if not sent:
        raise IdempotencyKeyMissing("the Idempotency-Key header is needed")
    if len(sent) > 1:
        raise IdempotencyKeyMalformed("there is more than one Idempotency-Key header")
    if quoted := _QUOTED.fullmatch(sent[0]):
        key = _ESCAPED.sub(r"\1", quoted.group(1))
    elif _BARE.fullmatch(sent[0]):
        key = sent[0]
    else:
        raise IdempotencyKeyMalformed("the Idempotency-Key is neither a quoted string nor a bare word")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise IdempotencyKeyMalformed(f"the Idempotency-Key has 1 to {LONGEST_KEY} characters")
    return key


def fingerprint(call: Call) -> str:
    """SHA-256 over what makes two calls the same wish. Every part is preceded by its length: none can pose as two."""
    digest = sha256()
    for part in _parts(call):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _parts(call: Call) -> Iterator[bytes]:
    yield call.method.encode()
    yield call.route.encode()
    for named in (call.path_params, call.query):
        yield str(len(named)).encode()
        for name, value in sorted(named.items()):
            yield name.encode("utf-8", "surrogatepass")
            yield value.encode("utf-8", "surrogatepass")
    yield call.headers.get("content-type", "").partition(";")[0].strip().lower().encode("utf-8", "surrogatepass")
    yield call.body
