"""The one door out: every call to every neighbour goes through an Upstream.

httpx gives the words (Request, Response, Auth, transport), the transport gives the sockets. `AsyncClient` is left out
on purpose: redirects, cookies and proxies from the environment are things that must not happen here, and it is the
dearest part of a call.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import httpx
from opentelemetry.propagate import inject

from system_apis.answers import DEFAULT_MAX_BYTES, AnswerTooLarge, whole
from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.errors import SystemUnavailable, UpstreamError
from system_apis.patience import Patience, retry_after_s
from system_apis.trail import correlation_id

# Waiting for a connection may take at most these shares of the time left, one after the other (pool, TCP, TLS): their
# sum stays below one, so that a request that never left is always told apart from one that was sent.
_SHARE_OF_CONNECTING = 0.3
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LEAST_TIME_S = 0.001
_POOL = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=15)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question that went out and what came of it, for metrics. `outcome` is `answered` or a failure's name."""

    system: str
    instance: str
    operation: str
    method: str
    outcome: str
    status: int | None
    seconds: float


@runtime_checkable
class Closable(Protocol):
    """An `httpx.Auth` with connections of its own."""

    async def aclose(self) -> None: ...


class Upstream:
    """One instance of one neighbour. `timeout_s` bounds each try, the caller's deadline bounds all of them."""

    def __init__(
        self,
        *,
        system: str,
        instance: str,
        base_url: str,
        transport: httpx.AsyncBaseTransport | None = None,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10,
        max_answer_bytes: int = DEFAULT_MAX_BYTES,
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.system = system
        self.instance = instance
        self._base_url = base_url.rstrip("/")
        self._transport = transport or httpx.AsyncHTTPTransport(verify=_trusted(), limits=_POOL)
        self._auth = auth
        self._headers = {"User-Agent": "ordergate", "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers.update(headers or {})
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._observe = observe
        self._patience = Patience()

    async def read(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Ask something that changes nothing over there; asked again, a few times, while the deadline allows."""
        errand = self.errand(operation, writes=False)
        self._patience.earn()
        retries = 0
        while True:
            try:
                return await self._ask(errand, self.request(method, path, headers, content), deadline)
            except SystemUnavailable as failure:
                pause_s = self._patience.pause_s(retries, failure.retry_after_s)
                if pause_s is None or pause_s >= deadline.remaining_s:
                    raise
            retries += 1
            await asyncio.sleep(pause_s)

    async def write(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Ask for a deed, once. SystemUnavailable: it was not done; OutcomeUnknown: look before asking again."""
        errand = self.errand(operation, writes=True)
        return await self._ask(errand, self.request(method, path, headers, content), deadline)

    def errand(self, operation: str, *, writes: bool) -> Errand:
        return Errand(self.system, self.instance, operation, writes)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Request:
        """A request to this instance, with the trail every request carries. `path` is escaped and starts with `/`."""
        return httpx.Request(
            method, self._base_url + path, headers={**self._headers, **_trail(), **(headers or {})}, content=content
        )

    async def aclose(self) -> None:
        await self._transport.aclose()
        if isinstance(self._auth, Closable):
            await self._auth.aclose()

    async def _ask(self, errand: Errand, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        started = time.monotonic()
        status: int | None = None
        outcome = "cancelled"
        try:
            answer = await self._conversed(errand, request, deadline)
            status = answer.status_code
            _raise_for_gateway_status(errand, answer)
            outcome = "answered"
        except UpstreamError as failure:
            outcome = type(failure).__name__
            raise
        else:
            return answer
        finally:
            if self._observe is not None:
                seconds = time.monotonic() - started
                exchange = (errand.system, errand.instance, errand.operation, request.method)
                self._observe(Exchange(*exchange, outcome, status, seconds))

    async def _conversed(self, errand: Errand, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        """The answer, or the failure that says how far the request got. Knows sockets, not statuses."""
        left_s = deadline.sooner(self._timeout_s).remaining_s
        if left_s < _LEAST_TIME_S:
            raise errand.out_of_time("no time was left to ask")
        connecting_s = left_s * _SHARE_OF_CONNECTING
        request.extensions["timeout"] = {"pool": connecting_s, "connect": connecting_s, "read": left_s, "write": left_s}
        progress = _Progress()
        try:
            async with asyncio.timeout(left_s):
                return await self._talk(request, progress)
        except _NEVER_SENT as broken:
            raise errand.not_done(f"no connection ({type(broken).__name__}: {broken})") from broken
        except (TimeoutError, httpx.TimeoutException) as late:
            failed = errand.too_late if progress.sent else errand.out_of_time
            raise failed(f"no answer within {left_s:.3f} s") from late
        except AnswerTooLarge as large:
            raise errand.unreadable(str(large)) from large
        except httpx.TransportError as broken:
            # Without the cause: a refused header value would be quoted in it.
            raise errand.no_answer(f"the connection broke ({type(broken).__name__})") from None

    async def _talk(self, request: httpx.Request, progress: _Progress) -> httpx.Response:
        """One exchange, or the few that an `httpx.Auth` makes of it (a token renewed after a 401)."""
        if self._auth is None:
            return await self._exchange(request, progress)
        flow = self._auth.async_auth_flow(request)
        try:
            outgoing = await anext(flow)
            while True:
                answer = await self._exchange(outgoing, progress)
                try:
                    outgoing = await flow.asend(answer)
                except StopAsyncIteration:
                    return answer
        finally:
            await flow.aclose()

    async def _exchange(self, request: httpx.Request, progress: _Progress) -> httpx.Response:
        progress.sent = True
        answer = await whole(await self._transport.handle_async_request(request), request, self._max_answer_bytes)
        # Only a 401 makes an Auth go on: what it answers was not done, and the next request has not left yet.
        progress.sent = False
        return answer


@dataclass(slots=True)
class _Progress:
    """Whether a request may be in the neighbour's hands without an answer in ours."""

    sent: bool = False


def _raise_for_gateway_status(errand: Errand, answer: httpx.Response) -> None:
    """What a status means whoever sends it; all others belong to the client, which can read the body."""
    status = answer.status_code
    wish_s = retry_after_s(answer.headers.get("retry-after"))
    if status == httpx.codes.UNAUTHORIZED:
        raise errand.credentials_refused("HTTP 401")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise errand.not_done("too many requests", wish_s)
    if status == httpx.codes.SERVICE_UNAVAILABLE and (wish_s is not None or not errand.writes):
        # With Retry-After it is a refusal to begin; without, a proxy may say it of a request it did pass on.
        raise errand.not_done("the service is not available", wish_s)
    if status in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT):
        raise errand.no_answer(f"a proxy answered {status}")
    if answer.is_redirect:
        raise errand.unreadable(f"a redirect ({status}) is not followed")


def _trail() -> dict[str, str]:
    """X-Correlation-ID and traceparent (W3C Trace Context), made up where the caller's context has none."""
    carrier: dict[str, str] = {}
    inject(carrier)
    if "traceparent" not in carrier:
        carrier["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    carrier["X-Correlation-ID"] = correlation_id.get() or str(uuid.uuid4())
    return carrier


@functools.cache
def _trusted() -> ssl.SSLContext:
    """One TLS context for all instances: it costs some 20 ms to make and holds no state of a peer."""
    return httpx.create_ssl_context()
