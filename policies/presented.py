"""How a caller presents itself: one access token (RFC 6750 §2.1) or one API key, in one header, in no other way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from policies.call import Call
from policies.errors import CredentialsMalformed, CredentialsMissing

LONGEST = 8 * 1024
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 §2.1; a key is one, too
_IN_QUERY = frozenset({"access_token", "api_key", "apikey", "api-key", "x-api-key"})


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential, unread. Nothing of it ever appears in a refusal, in a log or in this repr."""

    kind: Literal["token", "apiKey"]
    text: str = field(repr=False)


def presented(call: Call) -> Presented:
    """What the call presents: `Authorization: Bearer <token>`, `Authorization: ApiKey <key>` or `X-API-Key: <key>`."""
    if not _IN_QUERY.isdisjoint(name.lower() for name in call.query):
        raise CredentialsMalformed("a credential belongs in a header, never in the query")
    in_authorization, bare = list(call.every("authorization")), list(call.every("x-api-key"))
    if len(in_authorization) + len(bare) > 1:
        raise CredentialsMalformed("there is more than one credential")
    if bare:
        return Presented("apiKey", _well_formed(bare[0].strip()))
    if not in_authorization:
        raise CredentialsMissing("no Authorization header and no X-API-Key")
    scheme, _, rest = in_authorization[0].strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return Presented("token", _well_formed(rest.strip()))
        case "apikey":
            return Presented("apiKey", _well_formed(rest.strip()))
        case _:
            raise CredentialsMissing("neither a Bearer token nor an ApiKey")


def _well_formed(text: str) -> str:
    if len(text) > LONGEST:
        raise CredentialsMalformed("the credential is longer than 8 KiB")
    if not _B64TOKEN.fullmatch(text):
        raise CredentialsMalformed("the header holds no single credential")
    return text
