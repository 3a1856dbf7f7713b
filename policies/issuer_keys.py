"""The public keys of an issuer: found (RFC 8414), fetched, kept, and asked for again when a key is unknown."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import msgspec
from joserfc.jwk import KeySet
from msgspec import Struct

from policies.errors import IssuerUnavailable
from policies.jwks import KeysUnreadable, read_keys

log = logging.getLogger(__name__)

_LARGEST_DOCUMENT = 512 * 1024


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
        """The keys to verify with now; the last good ones while the issuer is down, but not for ever."""
        if self._clock() - self._read_at >= self._patience.fresh_s and not self._left_alone():
            await self._refresh()
        if self._keys is None or self._clock() - self._read_at >= self._patience.usable_s:
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

    async def aclose(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
        await self._http.aclose()

    def _left_alone(self) -> bool:
        resting = self._failed_at is not None and self._clock() - self._failed_at < self._patience.retry_s
        return resting and self._fetch is None

    async def _refresh(self) -> None:
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._read())
        # a caller that goes away must not take the answer from the others
        await asyncio.shield(self._fetch)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._patience.answer_s):
                document = await self._get(self._jwks_uri or await self._discover())
            self._keep(read_keys(document))
            self._failed_at = None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, KeysUnreadable) as trouble:
            self._failed_at = self._clock()
            log.warning("the keys of %s cannot be read: %s", self.issuer, trouble or type(trouble).__name__)
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
        document = await self._get(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}")
        try:
            metadata = msgspec.json.decode(document, type=IssuerMetadata)
        except (msgspec.DecodeError, RecursionError):
            raise KeysUnreadable("the metadata document is not readable") from None
        if metadata.issuer != self.issuer:
            raise KeysUnreadable("the metadata document belongs to another issuer")
        if parts.scheme == "https" and not metadata.jwks_uri.startswith("https://"):
            raise KeysUnreadable("the key set would come over an unprotected connection")
        return metadata.jwks_uri

    async def _get(self, url: str) -> bytes:
        # uncompressed, please: a small answer must not unfold into a large one
        asked = {"accept": "application/json", "accept-encoding": "identity"}
        async with self._http.stream("GET", url, headers=asked, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise KeysUnreadable(f"{url} answered {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise KeysUnreadable(f"{url} answered compressed, which it was asked not to")
            document = bytearray()
            async for chunk in answer.aiter_bytes():
                document += chunk
                if len(document) > _LARGEST_DOCUMENT:
                    raise KeysUnreadable(f"{url} answered with more than 512 KiB")
            return bytes(document)
