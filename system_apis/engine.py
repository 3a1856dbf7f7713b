"""The engine under the door: aiohttp's sockets and parser behind httpx's transport interface.

What it must not do is as important as what it does: no redirects, no cookies, no proxies or passwords from the
environment, no unpacking, and no repeating. Its failures are httpx's, told apart by one question: can a byte of the
request have left? ConnectError, ConnectTimeout, UnsupportedProtocol and LocalProtocolError say that none did.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from system_apis.tls import PUBLIC, Tls, context

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
SENT_BY = "ordergate.sent_by"
"""The extension of a request that says when (monotonic clock) its first byte has left, or none of it does."""
MOST_CONNECTIONS = 100
IDLE_S = 15.0
"""Shorter than what servers and load balancers keep a connection: a write should not meet one that is being closed."""
LONGEST_HEADER = 64 * 1024
"""SAP's `sap-message` grows with the order."""
_ENDS_A_HEADER = re.compile(rb"[\r\n\0]")
_OURS = frozenset({"Accept", "Accept-Encoding", "User-Agent", "Content-Type"})


def open_engine(tls: Tls | None = None) -> httpx.AsyncBaseTransport:
    """What carries requests in production. The one place that knows which engine that is."""
    return Engine(tls or PUBLIC)


class Engine(httpx.AsyncBaseTransport):
    """A pool of connections. It begins with the first request, on the loop that asks, and ends with `aclose`."""

    def __init__(self, tls: Tls = PUBLIC) -> None:
        self._context = context(tls)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = request.headers.raw
        if _ENDS_A_HEADER.search(b"|".join([value for _, value in headers])):
            raise httpx.LocalProtocolError("a header that cannot be sent")
        timeout = request.extensions.get("timeout", {})
        try:
            answer = await self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                data=_Content(request.content, request.extensions.get(SENT_BY)) if request.content else None,
                headers=[(name.decode(), value.decode()) for name, value in headers],
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(connect=timeout.get("connect"), sock_read=timeout.get("read")),
            )
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise httpx.UnsupportedProtocol("not an http address") from None
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed:
            raise httpx.ConnectError("the engine is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    ssl=self._context, limit=MOST_CONNECTIONS, keepalive_timeout=IDLE_S, ttl_dns_cache=10
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=_OURS,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
                middlewares=(_once,),
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """A pool that does not lend a connection on which something came in while nobody asked: it would be read as the
    answer to the next request, a write that was never looked at included. aiohttp looks when a connection comes back
    to the pool, not when it leaves it.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the pool's own signature
    ) -> Connection:
        while True:
            lent = await super().connect(req, traces, timeout)
            if lent.protocol is None or not lent.protocol.should_close:
                return lent
            lent.close()


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The exchange, its failures in httpx's words.

    They are translated here, below the session, because the session would send a GET, PUT or DELETE a second time
    when a kept connection breaks: it looks for its own errors and finds none.
    """
    try:
        return await send(request)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
        if isinstance(request.body, _Content) and request.body.too_late:
            raise httpx.PoolTimeout("the time was over before a byte was sent") from None
        raise _translated(failure) from None


class _Content(aiohttp.BytesPayload):
    """The request's body, and the last look at the clock: the headers wait for its first byte.

    No timer does that: a process that was stopped right here has its write before its timers when it wakes up, minutes
    later, when others have concluded that nothing was sent.
    """

    def __init__(self, content: bytes, sent_by: float | None) -> None:
        super().__init__(content)
        self._sent_by = sent_by
        self.too_late = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        if self._sent_by is not None and time.monotonic() >= self._sent_by:
            self.too_late = True
            raise TimeoutError
        await super().write_with_length(writer, content_length)


class _Body(httpx.AsyncByteStream):
    """The answer's body as it comes, packed as it comes."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise _translated(failure) from None

    async def aclose(self) -> None:
        """A connection that was read to the end is kept, any other is closed: the neighbour need not go on."""
        self._answer.close()


def _translated(failure: Exception) -> httpx.TransportError:
    for kind, meaning, text in _MEANINGS:
        if isinstance(failure, kind):
            return meaning(text)
    return httpx.ReadError("the connection broke")


_MEANINGS: tuple[tuple[type[Exception], type[httpx.TransportError], str], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "no connection in time"),
    (aiohttp.ClientConnectorCertificateError, httpx.ConnectError, "the certificate is not trusted"),
    (aiohttp.ClientConnectorSSLError, httpx.ConnectError, "no agreement on encryption"),
    (aiohttp.ClientConnectorDNSError, httpx.ConnectError, "the name is not known"),
    (aiohttp.ClientConnectorError, httpx.ConnectError, "refused or unreachable"),
    (TimeoutError, httpx.ReadTimeout, "no answer in time"),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError, "not all of the answer came"),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "the answer is not HTTP"),
)
"""The first that fits. Texts are our own: those of the library quote addresses and header values."""
