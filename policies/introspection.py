"""Tokens that only their issuer can read: it is asked what they mean (RFC 7662), and believed for a short while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from msgspec import Meta, Struct

from policies.documents import DocumentUnreadable, fetch
from policies.errors import IssuerUnavailable, TokenInvalid
from policies.tokens import Instant
from policies.verified import Verified

log = logging.getLogger(__name__)

MOST_ANSWERS = 10_000
MOST_AT_ONCE = 32
"""Made-up tokens cost the issuer no more than this many questions at a time."""
INACTIVE_S = 10.0
"""For how long a token that the issuer does not know is refused without asking again."""
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_ABOUT_THE_TOKEN = frozenset({400, 404, 413, 414, 422})
"""Statuses that one odd token may cause: they say nothing of the next one."""
_NO_REVISION = 0
_LEEWAY_S = 30


class Activity(Struct, frozen=True):
    active: bool


class Meaning(Struct, frozen=True):
    """RFC 7662 §2.2, of an active token. What an issuer leaves out of it we do not guess."""

    client_id: Annotated[str, Meta(min_length=1)] = ""
    aud: str | list[str] = ""
    exp: Instant | None = None
    nbf: Instant | None = None
    iss: str | None = None
    jti: str | None = None
    scope: str = ""
    token_type: str = "Bearer"  # noqa: S105  a kind, no secret
    cnf: Any = None


class Introspection:
    """The introspection endpoint of one issuer, with our own credentials there.

    Answers are kept by SHA-256 of the token for `cache_s` at most and never past the token's end; calls that ask for
    the same token at the same time share one request. If the endpoint refuses *us*, that is our own fault and nothing
    about the token: the caller hears 503, never 401.
    """

    def __init__(
        self,
        issuer: str,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        audience: str,
        cache_s: float = 30.0,
        answer_s: float = 5.0,
        retry_s: float = 2.0,
        transport: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = issuer
        self._url = url
        self._us = ClientAuth(client_id, client_secret, "client_secret_basic")
        self._audience = audience
        self._cache_s, self._answer_s, self._retry_s = cache_s, answer_s, retry_s
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=answer_s)
        self._now = now
        self._failed_at = float("-inf")
        self._answers: OrderedDict[bytes, tuple[Verified | None, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Verified | None]] = {}

    async def verify(self, token: str) -> Verified:
        """What the issuer says of the token, or TokenInvalid; IssuerUnavailable where we cannot tell."""
        digest = sha256(token.encode()).digest()
        found, until = self._answers.get(digest, (None, 0.0))
        if until <= self._now():
            found = await self._ask_once(token, digest)
        if found is None:
            raise TokenInvalid("the token is not active")
        return found

    def knows(self, token: str) -> bool:
        """Whether the token was good a moment ago."""
        found, until = self._answers.get(sha256(token.encode()).digest(), (None, 0.0))
        return found is not None and self._now() < until

    async def aclose(self) -> None:
        for task in self._asking.values():
            task.cancel()
        await self._http.aclose()

    async def _ask_once(self, token: str, digest: bytes) -> Verified | None:
        task = self._asking.get(digest)
        if task is None:
            if self._now() - self._failed_at < self._retry_s or len(self._asking) >= MOST_AT_ONCE:
                raise IssuerUnavailable(self.issuer)
            task = self._asking[digest] = asyncio.create_task(self._ask(token, digest))
            task.add_done_callback(lambda done: self._asked(digest, done))
        # a caller that goes away must not take the answer from the others
        return await asyncio.shield(task)

    def _asked(self, digest: bytes, done: asyncio.Task[Verified | None]) -> None:
        self._asking.pop(digest, None)
        if not done.cancelled():
            done.exception()  # looked at, for the case that every caller has gone away

    async def _ask(self, token: str, digest: bytes) -> Verified | None:
        form = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        _, headers, form = self._us.prepare("POST", self._url, dict(_FORM), form)
        try:
            async with asyncio.timeout(self._answer_s):
                document = await fetch(self._http, self._url, headers=headers, form=form)
            # of a token that is not active nothing else is read: some issuers then name members without a value
            active = msgspec.json.decode(document, type=Activity).active
            meaning = msgspec.json.decode(document, type=Meaning) if active else None
        except DocumentUnreadable as trouble:
            raise self._unavailable(str(trouble), rests=trouble.status not in _ABOUT_THE_TOKEN) from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as trouble:
            raise self._unavailable(str(trouble) or type(trouble).__name__) from None
        except (msgspec.MsgspecError, RecursionError):
            raise self._unavailable("the answer is not one of RFC 7662", rests=False) from None
        found = self._read(meaning, digest) if meaning else None
        kept_s = self._cache_s if found else min(INACTIVE_S, self._cache_s)
        self._keep(digest, found, min(self._now() + kept_s, found.expires_at if found else float("inf")))
        return found

    def _read(self, meaning: Meaning, digest: bytes) -> Verified | None:
        """RFC 7662 §4: active alone is not enough; the token has to be meant for us, and alive by our clock."""
        now = self._now()
        audience = [meaning.aud] if isinstance(meaning.aud, str) else meaning.aud
        if self._audience not in audience or not meaning.client_id:
            return None
        if meaning.iss not in (None, self.issuer) or meaning.token_type.lower() != "bearer" or meaning.cnf is not None:
            return None
        if (meaning.exp is not None and meaning.exp + _LEEWAY_S <= now) or (meaning.nbf or 0) - _LEEWAY_S > now:
            return None
        expires_at = meaning.exp + _LEEWAY_S if meaning.exp is not None else int(now + self._cache_s) + 1
        jti = meaning.jti or digest.hex()[:16]
        return Verified(self.issuer, meaning.client_id, jti, frozenset(meaning.scope.split()), expires_at, _NO_REVISION)

    def _keep(self, digest: bytes, found: Verified | None, until: float) -> None:
        while len(self._answers) >= MOST_ANSWERS:
            self._answers.popitem(last=False)
        self._answers[digest] = (found, until)

    def _unavailable(self, why: str, *, rests: bool = True) -> IssuerUnavailable:
        """`rests`: the endpoint is left alone for a moment."""
        if rests:
            self._failed_at = self._now()
        log.warning("%s cannot be asked what a token means: %s", self.issuer, why)
        return IssuerUnavailable(self.issuer)
