"""The public keys of an issuer: found (RFC 8414), fetched, kept, and asked for again when a key is unknown."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import msgspec
from joserfc.jwk import KeySet
from msgspec import Struct

from policies.documents import DocumentUnreadable, fetch
from policies.errors import IssuerUnavailable
from policies.jwks import KeysUnreadable, read_keys

log = logging.getLogger(__name__)

_EARLY = 0.8  # of the time for which keys are fresh
_JITTER = 0.1  # either way
_LONGEST_PAUSE_S = 60.0
_MOST_DOUBLINGS = 10


class IssuerMetadata(Struct, frozen=True):
    issuer: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys as last read. `revision` changes whenever they do, so that what was verified before is asked anew."""

    key_set: KeySet
    kids: frozenset[str]
    revision: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long keys serve and how often the issuer is asked, in seconds.

    `fresh_s`: keys are used without asking. `usable_s`: the last good keys serve this long while the issuer is down.
    `cool_down_s`: an unknown key id leads to one request in this time, however many tokens name one. `retry_s`: after a
    failure the issuer is left alone this long. `answer_s`: a slower answer is none.
    """

    fresh_s: float = 300
    usable_s: float = 86_400
    cool_down_s: float = 30
    retry_s: float = 2
    answer_s: float = 5


PATIENCE = Patience()


class IssuerKeys:
    """The key set of one issuer. Calls that need it at the same time share one request."""

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: Patience = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._jwks_uri = jwks_uri
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=patience.answer_s)
        self._patience = patience
        self._clock = clock
        self._keys: Keys | None = None
        self._read_at = float("-inf")
        self._failed_at: float | None = None
        self._searched_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def current(self) -> Keys:
        """The keys to verify with now; the last good ones while the issuer is down, but not for ever.

        Nobody waits for an issuer that did not answer last time while its last good keys serve: it may well be silent
        again, and every call would be as slow as its time-out.
        """
        if self._clock() - self._read_at >= self._patience.fresh_s and not self._left_alone():
            reading = self._reading()
            if self._failed_at is None or self._keys is None or self._too_old():
                await asyncio.shield(reading)
        if self._keys is None or self._too_old():
            raise IssuerUnavailable(self.issuer)
        return self._keys

    async def knowing(self, kid: str | None) -> Keys:
        """The keys, asked for again if none has the id `kid`. Without an answer we cannot tell, and say so."""
        keys = await self.current()
        if kid is None or kid in keys.kids:
            return keys
        if self._fetch is not None or self._clock() - self._searched_at >= self._patience.cool_down_s:
            self._searched_at = self._clock()
            await self._refresh()
            keys = await self.current()
        if kid not in keys.kids and self._failed_at is not None:
            raise IssuerUnavailable(self.issuer)
        return keys

    async def keep_fresh(self) -> None:
        """Read the keys anew before they are stale, as long as the process lives; while the issuer is down, ever more
        rarely. No call waits for a key set then, and a key that is no longer listed is soon refused."""
        failures = 0
        while True:
            await self._refresh()
            failures = failures + 1 if self._failed_at is not None else 0
            await asyncio.sleep(spread(next_pause_s(self._patience, failures)))

    async def aclose(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
        await self._http.aclose()

    def _left_alone(self) -> bool:
        resting = self._failed_at is not None and self._clock() - self._failed_at < self._patience.retry_s
        return resting and self._fetch is None

    def _too_old(self) -> bool:
        return self._clock() - self._read_at >= self._patience.usable_s

    async def _refresh(self) -> None:
        # a caller that goes away must not take the answer from the others
        await asyncio.shield(self._reading())

    def _reading(self) -> asyncio.Task[None]:
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._read())
        return self._fetch

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._patience.answer_s):
                document = await fetch(self._http, self._jwks_uri or await self._discover())
            self._keep(read_keys(document))
            self._failed_at = None
        # ValueError: what is no address fails in as many ways as there are to read one
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            TimeoutError,
            DocumentUnreadable,
            KeysUnreadable,
            ValueError,
        ) as fault:
            self._failed_at = self._clock()
            log.warning("the keys of %s cannot be read: %s", self.issuer, fault or type(fault).__name__)
        finally:
            self._fetch = None

    def _keep(self, key_set: KeySet) -> None:
        self._read_at = self._clock()
        if self._keys is None or self._keys.key_set.as_dict() != key_set.as_dict():
            revision = self._keys.revision + 1 if self._keys else 1
            self._keys = Keys(key_set, frozenset(key.kid for key in key_set if key.kid), revision)

    async def _discover(self) -> str:
        """RFC 8414 §3: the well-known segment goes between host and path, and the issuer must be exactly ours."""
        parts = urlsplit(self.issuer)
        path = parts.path.rstrip("/")
        well_known = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
        document = await fetch(self._http, well_known)
        try:
            metadata = msgspec.json.decode(document, type=IssuerMetadata)
        except (msgspec.DecodeError, RecursionError):
            raise KeysUnreadable("the metadata document is not readable") from None
        if metadata.issuer != self.issuer:
            raise KeysUnreadable("the metadata document belongs to another issuer")
        if parts.scheme == "https" and not metadata.jwks_uri.startswith("https://"):
            raise KeysUnreadable("the key set would come over an unprotected connection")
        return metadata.jwks_uri


def next_pause_s(patience: Patience, failures: int) -> float:
    """Until the keys are read again: well before they are stale; after failures in a row, twice as long each time."""
    if failures == 0:
        return patience.fresh_s * _EARLY
    longest_s = min(_LONGEST_PAUSE_S, patience.fresh_s)
    return float(min(longest_s, patience.retry_s * 2 ** min(failures - 1, _MOST_DOUBLINGS)))


def spread(pause_s: float) -> float:
    """A little more or less: replicas that started together must not knock together for ever."""
    return pause_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  spreads, hides nothing
