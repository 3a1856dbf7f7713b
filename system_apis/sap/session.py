"""A session with one OData service of SAP: the CSRF token and every cookie that came with it.

SAP wants a token for whatever is not a GET or HEAD, fetched beforehand and bound to the session its cookies name. When
it is missing or stale SAP answers 403 with `x-csrf-token: Required` *before* it looks at the request, so that this one
refusal, and no other 403, may be replayed: once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.http import Upstream
from system_apis.shared import Shared

_FETCH_TIMEOUT_S = 10.0


@dataclass(slots=True, eq=False)
class _Pass:
    """A token with its jar. All cookies are kept by the cookie rules: their names differ from release to release."""

    token: str = ""
    jar: httpx.Cookies = field(default_factory=httpx.Cookies)
    cookie: str = ""

    def take(self, answer: httpx.Response) -> None:
        """Keep what the answer sets, and the Cookie header that follows from it."""
        if "set-cookie" not in answer.headers and self.cookie:
            return
        self.jar.extract_cookies(answer)
        for one in list(self.jar.jar):
            if not f"{one.name}{one.value}".isascii():  # no header can hold it, and it must not cost us the answer
                self.jar.jar.clear(one.domain, one.path, one.name)
        probe = httpx.Request("GET", answer.request.url)
        self.jar.set_cookie_header(probe)
        self.cookie = probe.headers.get("cookie", "")


class Session:
    """The session with the service below `root`; opened by the first write, shared by all that follow."""

    def __init__(self, upstream: Upstream, root: str, headers: Mapping[str, str]) -> None:
        self._upstream = upstream
        self._root = root
        self._headers = dict(headers)
        self._open: Shared[_Pass] = Shared(self._fetch)

    async def read(
        self,
        path: str,
        *,
        operation: str,
        deadline: Deadline,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A GET needs no token, and no session is opened for it."""
        return await self._upstream.read(
            method, path, operation=operation, deadline=deadline, headers={**self._headers, **(headers or {})}
        )

    async def ask(
        self,
        path: str,
        content: bytes,
        content_type: str,
        *,
        errand: Errand,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> httpx.Response:
        """A write (or a question by POST) with a token. Whether the Upstream may repeat it follows from the errand."""
        own = headers or {}
        send = self._upstream.write if errand.writes else self._upstream.read

        async def once(held: _Pass) -> httpx.Response:
            headers = {**self._headers, **own, "Content-Type": content_type, "X-CSRF-Token": held.token}
            if held.cookie:
                headers["Cookie"] = held.cookie
            answer = await send(
                method, path, operation=errand.operation, deadline=deadline, headers=headers, content=content
            )
            if "set-cookie" in answer.headers:
                held.take(answer)
            return answer

        return await self._with_pass(once, errand, deadline)

    async def _with_pass(
        self, once: Callable[[_Pass], Awaitable[httpx.Response]], errand: Errand, deadline: Deadline
    ) -> httpx.Response:
        held = await self._held(errand, deadline)
        answer = await once(held)
        if not _wants_token(answer):
            return answer
        self._open.stale(held)
        answer = await once(await self._held(errand, deadline))
        if _wants_token(answer):
            raise errand.credentials_refused("SAP accepts no CSRF token, not even a fresh one")
        return answer

    async def _held(self, errand: Errand, deadline: Deadline) -> _Pass:
        left_s = deadline.remaining_s
        if left_s <= 0:
            raise errand.out_of_time("no time was left to ask")
        try:
            async with asyncio.timeout(left_s):
                return await self._open.get()
        except TimeoutError:
            raise errand.out_of_time("the session with SAP was not open in time") from None

    async def _fetch(self) -> _Pass:
        """HEAD first, as SAP's own SDK does; GET where something on the way has no HEAD. The status does not matter:
        the token also comes with a 404 or 405."""
        deadline = Deadline.after(_FETCH_TIMEOUT_S)
        headers = {**self._headers, "X-CSRF-Token": "Fetch"}
        status = 0
        for method in ("HEAD", "GET"):
            answer = await self._upstream.read(
                method, f"{self._root}/", operation="open a session", deadline=deadline, headers=headers
            )
            token = answer.headers.get("x-csrf-token", "")
            if token and token.lower() not in ("required", "fetch"):
                held = _Pass(token)
                held.take(answer)
                return held
            status = answer.status_code
        errand = self._upstream.errand("open a session", writes=False)
        if status == httpx.codes.FORBIDDEN:
            raise errand.credentials_refused("HTTP 403")
        raise errand.unreadable(f"no CSRF token came with status {status}")


def _wants_token(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.FORBIDDEN and answer.headers.get("x-csrf-token", "").lower() == "required"
