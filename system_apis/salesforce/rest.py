"""The REST resources of one org in one version: questions with all their pages, transactions, and what is metered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from msgspec import Struct

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.http import Upstream
from system_apis.salesforce import refusals, soql, wire

T = TypeVar("T")
MOST_PAGES = 50
_JSON = {"Content-Type": "application/json"}
_VERSIONS = msgspec.json.Decoder(tuple[wire.Version, ...])
_LOCATOR = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")
_USAGE = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")


class Allowance(Struct, frozen=True):
    """How many calls of its daily allowance an org has seen in the last 24 hours, from whomever."""

    instance: str
    used: int
    most: int


class Org:
    """`metered` is told the allowance after every answer that names it (`Sforce-Limit-Info`)."""

    def __init__(self, upstream: Upstream, version: str, *, metered: Callable[[Allowance], None] | None = None) -> None:
        self.instance = upstream.instance
        self.version = version
        self._upstream = upstream
        self._metered = metered

    def errand(self, operation: str, *, writes: bool) -> Errand:
        return self._upstream.errand(operation, writes=writes)

    def url_of(self, resource: str) -> str:
        return f"/services/data/{self.version}/{resource}"

    async def query(
        self, question: str, pages: msgspec.json.Decoder[wire.Page[T]], errand: Errand, deadline: Deadline
    ) -> tuple[T, ...]:
        """Every record the question finds."""
        answer = await self._get(soql.query_path(self.version, question), errand, deadline)
        return await self.every(decoded(pages, answer.content, errand), pages, errand, deadline)

    async def every(
        self, page: wire.Page[T], pages: msgspec.json.Decoder[wire.Page[T]], errand: Errand, deadline: Deadline
    ) -> tuple[T, ...]:
        """The records of this page and of all that follow: a list of children is paged like a query of its own."""
        records = list(page.records)
        for _ in range(MOST_PAGES):
            if page.done or page.next_url is None:
                return tuple(records)
            # Only the path is followed: our token goes to the configured host and to no other.
            path = _path(page.next_url)
            before, slash, locator = path.rpartition("/")
            if before + slash != self.url_of("query/") or not _LOCATOR.match(locator):
                raise errand.unreadable("the next page is not a page of a query")
            page = decoded(pages, (await self._get(path, errand, deadline)).content, errand)
            records += page.records
        raise errand.unreadable(f"the records do not end after {MOST_PAGES} pages")

    async def describe(self, entity: str, errand: Errand, deadline: Deadline) -> httpx.Response:
        """What our user sees of an object; NotFoundInSystem where that is nothing."""
        answer = await self._ask(self.url_of(f"sobjects/{entity}/describe"), errand, deadline)
        return self._granted(answer, errand)

    async def versions(self, errand: Errand, deadline: Deadline) -> tuple[str, ...]:
        """The versions the org serves, as `v68.0`, oldest first. Needs no rights and is not metered."""
        answer = await self._ask("/services/data", errand, deadline)
        served = decoded(_VERSIONS, self._granted(answer, errand).content, errand)
        return tuple(f"v{one.version}" for one in served)

    async def post(self, resource: str, body: dict[str, Any], errand: Errand, deadline: Deadline) -> httpx.Response:
        """A transaction, asked for once."""
        answer = await self._upstream.write(
            "POST",
            self.url_of(resource),
            operation=errand.operation,
            deadline=deadline,
            headers=_JSON,
            content=msgspec.json.encode(body),
        )
        return self._granted(self._served(answer, errand), errand)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _get(self, path: str, errand: Errand, deadline: Deadline) -> httpx.Response:
        return self._granted(self._served(await self._ask(path, errand, deadline), errand), errand)

    async def _ask(self, path: str, errand: Errand, deadline: Deadline) -> httpx.Response:
        return await self._upstream.read("GET", path, operation=errand.operation, deadline=deadline)

    def _served(self, answer: httpx.Response, errand: Errand) -> httpx.Response:
        """Resources that every version has: where one is unknown, it is the version that the org does not know. Taken
        for an unknown record, a wrong setting would make every quote disappear."""
        if answer.status_code == httpx.codes.NOT_FOUND:
            text = f"the org does not serve {self.version} (it has no {answer.request.url.path})"
            raise errand.refused(refusals.VERSION, text, answer.status_code)
        return answer

    def _granted(self, answer: httpx.Response, errand: Errand) -> httpx.Response:
        self._meter(answer)
        if answer.is_success:
            return answer
        raise refusals.failure(answer.status_code, refusals.complaints(answer.content), errand)

    def _meter(self, answer: httpx.Response) -> None:
        usage = _USAGE.search(answer.headers.get("sforce-limit-info", ""))
        if usage and self._metered:
            self._metered(Allowance(self.instance, int(usage[1]), int(usage[2])))


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""
