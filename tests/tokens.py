"""Keys and access tokens for tests: real signatures, and every way of getting one wrong."""

from __future__ import annotations

import json
import time
from typing import Any

from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

AUDIENCE = "https://ordergate.example/api"
OMIT: Any = object()

Key = RSAKey | ECKey | OKPKey | OctKey

RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed-1", "use": "sig"})


def jwks(*keys: Key) -> dict[str, Any]:
    return dict(KeySet(list(keys)).as_dict(private=False))


def claims_for(issuer: str, client_id: str = "crm", now: int | None = None, **changes: Any) -> dict[str, Any]:
    """The claims of RFC 9068 §2.2 as issued `now`, changed; OMIT leaves one out."""
    now = int(time.time()) if now is None else now
    claims = {
        "iss": issuer,
        "sub": client_id,
        "aud": AUDIENCE,
        "client_id": client_id,
        "iat": now,
        "exp": now + 600,
        "jti": f"jti-{time.perf_counter_ns()}",
        "scope": "atp:read orders:read orders:write",
    }
    return {name: value for name, value in (claims | changes).items() if value is not OMIT}


def mint(claims: dict[str, Any] | bytes, key: Key = RSA, signed_as: str = "RS256", **header: Any) -> str:
    """A compact JWS over exactly these claims. `header` changes members or, with OMIT, drops them."""
    members = {"alg": signed_as, "typ": "at+jwt", "kid": key.kid} | header
    head = {name: value for name, value in members.items() if value is not OMIT}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return sign(json.dumps(head).encode(), payload, key, signed_as)


def sign(header: bytes, payload: bytes, key: Key, alg: str) -> str:
    signed = urlsafe_b64encode(header) + b"." + urlsafe_b64encode(payload)
    algorithm: JWSAlgModel = JWSRegistry.algorithms[alg]
    return (signed + b"." + urlsafe_b64encode(algorithm.sign(signed, key))).decode()
