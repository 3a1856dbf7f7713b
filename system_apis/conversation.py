"""One try: a request goes out, an answer comes back or does not, and which of both is told exactly.

Knows sockets and the statuses that mean the same whoever sends them. Everything else in an answer belongs to the
client, which can read its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from system_apis.answers import AnswerUnfit, whole
from system_apis.breaker import Verdict
from system_apis.deadline import Deadline
from system_apis.engine import NEVER_SENT, SENT_BY
from system_apis.errand import Errand
from system_apis.patience import retry_after_s

# Connecting may take at most this share of the time left, so that a request that never left is told apart from one
# that was sent by whose time ends first.
_SHARE_OF_CONNECTING = 0.3
_HURRY_S = 1.0


@dataclass(slots=True)
class Progress:
    """How far a try has come. `sent`: a request may be in the neighbour's hands without an answer in ours."""

    sent: bool = False
    status: int | None = None
    verdict: Verdict = Verdict.NONE
    wish_s: float | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """What carries the requests of an instance, and the bounds it keeps."""

    transport: httpx.AsyncBaseTransport
    auth: httpx.Auth | None
    timeout_s: float
    max_answer_bytes: int
    unwell: Callable[[httpx.Response], bool]

    async def converse(
        self, errand: Errand, request: httpx.Request, ends: Deadline, progress: Progress
    ) -> httpx.Response:
        """The answer before the time `ends`, or the failure that says how far the request got."""
        left_s = ends.remaining_s
        connecting_s = left_s * _SHARE_OF_CONNECTING
        request.extensions["timeout"] = {"pool": connecting_s, "connect": connecting_s, "read": left_s, "write": left_s}
        request.extensions[SENT_BY] = ends.at
        # A caller who gave less than this says nothing about the neighbour when time runs out.
        hurried = left_s < min(_HURRY_S, self.timeout_s / 2)
        try:
            async with asyncio.timeout(left_s):
                answer = await self._talk(request, progress)
        except NEVER_SENT as broken:
            progress.verdict = _of_no_connection(broken, hurried=hurried)
            raise errand.not_done(f"no connection ({type(broken).__name__}: {broken})", sent=False) from None
        except (TimeoutError, httpx.TimeoutException):
            if not progress.sent:
                raise errand.out_of_time(f"the request was not sent within {left_s:.3f} s") from None
            progress.verdict = Verdict.NONE if hurried else Verdict.ILL
            raise errand.too_late(f"no answer within {left_s:.3f} s") from None
        except AnswerUnfit as unfit:
            progress.verdict = Verdict.WELL
            raise errand.unreadable(str(unfit)) from None
        except httpx.TransportError as broken:
            # Without the cause: a library's text may quote what was sent.
            progress.verdict = Verdict.ILL
            raise errand.no_answer(f"the connection broke ({type(broken).__name__})") from None
        self._note(answer, progress)
        _raise_for_gateway_status(errand, answer, progress.wish_s)
        return answer

    async def _talk(self, request: httpx.Request, progress: Progress) -> httpx.Response:
        """One exchange, or the few that an `httpx.Auth` makes of it (a token renewed after a 401)."""
        if self.auth is None:
            return await self._exchange(request, progress)
        flow = self.auth.async_auth_flow(request)
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

    async def _exchange(self, request: httpx.Request, progress: Progress) -> httpx.Response:
        progress.sent = True
        answer = await whole(await self.transport.handle_async_request(request), request, self.max_answer_bytes)
        # Only a 401 makes an Auth go on: what it answers was not done, and the next request has not left yet.
        progress.sent = False
        return answer

    def _note(self, answer: httpx.Response, progress: Progress) -> None:
        progress.status = answer.status_code
        progress.verdict = Verdict.ILL if self.unwell(answer) else Verdict.WELL
        if answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            progress.wish_s = retry_after_s(answer.headers.get("retry-after"))


def server_error(answer: httpx.Response) -> bool:
    """A status of 500 or more: what most neighbours say when they are unwell, and only then."""
    return answer.is_server_error


def _of_no_connection(broken: Exception, *, hurried: bool) -> Verdict:
    if isinstance(broken, httpx.ConnectError) or (isinstance(broken, httpx.ConnectTimeout) and not hurried):
        return Verdict.ILL
    return Verdict.NONE  # something on our side


def _raise_for_gateway_status(errand: Errand, answer: httpx.Response, wish_s: float | None) -> None:
    """What a status means whoever sends it; all others belong to the client, which can read the body."""
    status = answer.status_code
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
