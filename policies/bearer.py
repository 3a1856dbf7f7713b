"""How a caller presents its token (RFC 6750 §2): in one Authorization header, in no other way."""

from __future__ import annotations

import re

from policies.call import Call
from policies.errors import CredentialsMalformed, CredentialsMissing

LONGEST_TOKEN = 8 * 1024
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1


def bearer_token(call: Call) -> str:
    """The token of the call, unread. Nothing of it ever appears in a refusal."""
    presented = list(call.every("authorization"))
    if "access_token" in call.query:
        raise CredentialsMalformed("a token belongs in the Authorization header, never in the query")
    if len(presented) > 1:
        raise CredentialsMalformed("there is more than one Authorization header")
    if not presented:
        raise CredentialsMissing("no Authorization header")
    scheme, _, rest = presented[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise CredentialsMissing("no Bearer token")
    return _well_formed(rest.strip())


def _well_formed(token: str) -> str:
    if len(token) > LONGEST_TOKEN:
        raise CredentialsMalformed("the token is longer than 8 KiB")
    if not _B64TOKEN.fullmatch(token):
        raise CredentialsMalformed("the Authorization header holds no single token")
    return token
