"""The one door out: every call to every neighbour goes through an Upstream.

httpx gives the words (Request, Response, Auth, transport), the engine gives the sockets. `AsyncClient` is left out on
purpose: redirects, cookies and proxies from the environment are things that must not happen here, and it is the
dearest part of a call.

A call passes, in this order: the maintenance windows of its instance, the breaker of its operation, the bulkhead of
its instance, the question whether it can finish in the time that is left, the engine, and the bounds on what comes
back. If nothing was done and repeating is safe, it may go once more.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import httpx

from system_apis import trail
from system_apis.answers import DEFAULT_MAX_BYTES
from system_apis.bulkhead import DEFAULT_PLACES, Bulkhead, BulkheadFull
from system_apis.conversation import Progress, Wire, server_error
from system_apis.deadline import Deadline
from system_apis.engine import open_engine
from system_apis.errand import Errand
from system_apis.errors import SystemTimeout, SystemUnavailable, UpstreamError
from system_apis.exchange import Exchange, Lane
from system_apis.maintenance import Rests
from system_apis.patience import Patience
from system_apis.tls import Tls
from system_apis.traced import Traced

__all__ = ["Closable", "Exchange", "Upstream"]

_address = functools.lru_cache(maxsize=512)(httpx.URL)
_DOT_SEGMENT = re.compile(r"[^?#]*/(?:\.|%2[eE]){1,2}(?=[/?#]|\Z)")


@runtime_checkable
class Closable(Protocol):
    """An `httpx.Auth` with connections of its own."""

    async def aclose(self) -> None: ...


class Upstream:
    """One instance of one neighbour. `timeout_s` bounds each try, the caller's deadline bounds all of them.

    `places` is how many calls may be under way at once; `tls` whom to trust and who we are, if not the public
    authorities and nobody. `unwell` says which answers count against the neighbour, for one that says no with a 500.
    `rests` says whether the instance is in a maintenance window: then nothing is begun.
    `transport` replaces the engine: tests put `httpx.MockTransport` there.
    """

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
        tls: Tls | None = None,
        places: int = DEFAULT_PLACES,
        unwell: Callable[[httpx.Response], bool] = server_error,
        rests: Rests | None = None,
    ) -> None:
        self.system = system
        self.instance = instance
        self._base_url = base_url.rstrip("/")
        self._wire = Wire(Traced(transport or open_engine(tls)), auth, timeout_s, max_answer_bytes, unwell)
        self._headers = {"User-Agent": "ordergate", "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers.update(headers or {})
        self._observe = observe
        self._rests = rests
        self._patience = Patience()
        self._bulkhead = Bulkhead(places)
        self._lanes: defaultdict[str, Lane] = defaultdict(Lane)

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
        _mind_the_path(path, errand)
        return await self._persist(errand, lambda: self.request(method, path, headers, content), deadline)

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
        """Ask for a deed. SystemUnavailable: it was not done; OutcomeUnknown: look before asking again.

        It is sent once; only a try of which not one byte left this process is followed by another.
        """
        errand = self.errand(operation, writes=True)
        _mind_the_path(path, errand)
        return await self._persist(errand, lambda: self.request(method, path, headers, content), deadline)

    def errand(self, operation: str, *, writes: bool) -> Errand:
        return Errand(self.system, self.instance, operation, writes, began=time.monotonic())

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Request:
        """A request to this instance, with the trail every request carries. `path` is escaped and starts with `/`."""
        url = _address(self._base_url + path)
        fields = {"Host": url.netloc.decode("ascii"), **self._headers, **trail.headers(), **(headers or {})}
        if content is not None:
            fields["Content-Length"] = str(len(content))
        # httpx takes a stream and fields in bytes as they are: that is four fifths of the price of a request.
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        request = httpx.Request(method, url, headers=raw, stream=httpx.ByteStream(content or b""))
        request.read()
        return request

    async def aclose(self) -> None:
        await self._wire.transport.aclose()
        if isinstance(self._wire.auth, Closable):
            await self._wire.auth.aclose()

    async def _persist(
        self, errand: Errand, request: Callable[[], httpx.Request], deadline: Deadline
    ) -> httpx.Response:
        """Try, and try again where that is safe, allowed and in time."""
        self._patience.called()
        while True:
            try:
                return await self._try(errand, request(), deadline)
            except (SystemUnavailable, SystemTimeout) as failure:
                if not _repeatable(failure, writes=errand.writes):
                    raise
                wish_s = failure.retry_after_s if isinstance(failure, SystemUnavailable) else None
                pause_s = self._patience.pause_s(errand.attempt - 1, wish_s, deadline.remaining_s)
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)
            errand = errand.again()

    async def _try(self, errand: Errand, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        """One try, observed."""
        lane, progress = self._lanes[errand.operation], Progress()
        started = time.monotonic()
        outcome = "cancelled"
        try:
            answer = await self._admitted(errand, request, deadline, lane, progress)
            outcome = "answered"
        except UpstreamError as failure:
            outcome = _outcome(failure)
            raise
        else:
            return answer
        finally:
            if self._observe is not None:
                self._observe(
                    Exchange(
                        errand.system,
                        errand.instance,
                        errand.operation,
                        request.method,
                        outcome,
                        progress.status,
                        time.monotonic() - started,
                        errand.attempt,
                        lane.breaker.state,
                        self._bulkhead.in_use,
                        self._bulkhead.waiting,
                    )
                )

    async def _admitted(
        self, errand: Errand, request: httpx.Request, deadline: Deadline, lane: Lane, progress: Progress
    ) -> httpx.Response:
        """Past windows, breaker and bulkhead; nothing is sent by who does not get there."""
        _mind_the_window(self._rests, errand)
        _mind_the_breaker(lane, errand)
        try:
            await self._bulkhead.enter(writes=errand.writes, patience_s=deadline.remaining_s)
        except BulkheadFull as full:
            raise errand.not_done(f"no place came free in time: {full}", sent=False, held_by="bulkhead") from None
        try:
            _mind_the_window(self._rests, errand)  # either may have opened while we waited
            _mind_the_breaker(lane, errand)
            return await self._timed(errand, request, deadline, lane, progress)
        finally:
            self._bulkhead.leave(writes=errand.writes)

    async def _timed(
        self, errand: Errand, request: httpx.Request, deadline: Deadline, lane: Lane, progress: Progress
    ) -> httpx.Response:
        ends = deadline.sooner(self._wire.timeout_s)
        if not lane.pace.fits(ends.remaining_s):
            raise errand.out_of_time("no time was left to ask")
        probe = lane.breaker.enter()
        started = time.monotonic()
        try:
            answer = await self._wire.converse(errand, request, ends, progress)
            lane.pace.answered(time.monotonic() - started)
            return answer
        finally:
            lane.breaker.leave(progress.verdict, probe=probe, asked_for_s=progress.wish_s)


def _repeatable(failure: SystemUnavailable | SystemTimeout, *, writes: bool) -> bool:
    """A read may be asked again, a write only if it did not leave; and nobody argues with the breaker."""
    if isinstance(failure, SystemTimeout):
        return not writes
    return not failure.held_by and not (writes and failure.sent)


def _outcome(failure: UpstreamError) -> str:
    held_by = failure.held_by if isinstance(failure, SystemUnavailable) else ""
    ours = {"breaker": "breakerOpen", "bulkhead": "bulkheadFull", "maintenance": "inMaintenance"}
    return ours.get(held_by, type(failure).__name__)


def _mind_the_window(rests: Rests | None, errand: Errand) -> None:
    left_s = rests() if rests else None
    if left_s is not None:
        raise errand.not_done("it is in a maintenance window", left_s, sent=False, held_by="maintenance")


def _mind_the_breaker(lane: Lane, errand: Errand) -> None:
    waiting_s = lane.breaker.waiting_s()
    if waiting_s is not None:
        detail = "it failed too often of late, or asked to be left alone"
        raise errand.not_done(detail, waiting_s, sent=False, held_by="breaker")


def _mind_the_path(path: str, errand: Errand) -> None:
    """`..` as an id, escaped or not, would become another address on its way: nothing has such an id."""
    if _DOT_SEGMENT.match(path):
        raise errand.not_found("DOT_SEGMENT", "an id of dots only")
