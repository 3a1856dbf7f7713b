"""One OData service of an SAP system: what is asked of it, and one typed failure for whatever is not a success."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.http import Upstream
from system_apis.sap import batch, complaints, odata, wire
from system_apis.sap.asking import SapErrand
from system_apis.sap.dialect import V2, Dialect
from system_apis.sap.session import Session
from system_apis.sap.units import STANDARD, Units

T = TypeVar("T")
MOST_PAGES = 50


class Service:
    """`name` is the technical name (`API_SALES_ORDER_SRV`). Every `path` is relative to the service's root, escaped."""

    def __init__(
        self,
        upstream: Upstream,
        name: str,
        headers: Mapping[str, str],
        lock_codes: Iterable[str],
        units: Units = STANDARD,
        *,
        dialect: Dialect = V2,
    ) -> None:
        self.name = name
        self.units = units
        self.dialect = dialect
        self.root = dialect.root.format(service=name)
        self._upstream = upstream
        self._session = Session(upstream, self.root, headers)
        self._lock_codes = frozenset(lock_codes)

    def errand(self, operation: str, *, writes: bool = False) -> SapErrand:
        asked = self._upstream.errand(operation, writes=writes)
        return SapErrand(asked.system, asked.instance, operation, writes, asked.attempt, asked.began, self.units)

    async def get(
        self, path: str, errand: SapErrand, deadline: Deadline, *, method: str = "GET", accept: str = ""
    ) -> httpx.Response:
        """A success, or the failure that SAP's answer amounts to."""
        answer = await self._session.read(
            f"{self.root}/{path}",
            operation=errand.operation,
            deadline=deadline,
            method=method,
            headers={"Accept": accept or self.dialect.media},
        )
        return self.granted(answer, errand)

    async def post(
        self,
        path: str,
        content: bytes,
        errand: SapErrand,
        deadline: Deadline,
        *,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> httpx.Response:
        """The answer as it came, success or not. What the errand says it is decides whether it may be repeated."""
        return await self._session.ask(
            f"{self.root}/{path}",
            content,
            content_type or self.dialect.media,
            errand=errand,
            deadline=deadline,
            headers=headers,
            method=method,
        )

    async def rest(
        self,
        first: wire.Results[T],
        decoder: msgspec.json.Decoder[wire.Envelope[wire.Results[T]]],
        errand: SapErrand,
        deadline: Deadline,
    ) -> tuple[T, ...]:
        """A collection to its end: SAP gives long ones by pages, expanded ones too, each naming the next."""
        found, more = list(first.results), first.next
        for _ in range(MOST_PAGES):
            if more is None:
                return tuple(found)
            answer = await self.get(odata.next_page(more, self.root, errand), errand, deadline)
            page = decoded(decoder, answer.content, errand).d
            found += page.results
            more = page.next
        raise errand.unreadable(f"the list does not end after {MOST_PAGES} pages")

    async def collection(
        self,
        path: str,
        decoder: msgspec.json.Decoder[wire.Envelope[wire.Results[T]]],
        errand: SapErrand,
        deadline: Deadline,
    ) -> tuple[T, ...]:
        """All of a collection, whatever the pages SAP cuts it into."""
        answer = await self.get(path, errand, deadline)
        return await self.rest(decoded(decoder, answer.content, errand).d, decoder, errand, deadline)

    async def look_up(
        self, paths: Sequence[str], errand: SapErrand, deadline: Deadline
    ) -> tuple[batch.PartAnswer, ...]:
        """Many reads in one `$batch`, answered in the same order, each with a status of its own."""
        content_type, body = batch.reads(tuple(batch.Part("GET", path) for path in paths))
        answer = await self.post("$batch", body, errand, deadline, content_type=content_type)
        parts = self._parts(self.granted(answer, errand), errand)
        if len(parts) != len(paths):
            raise errand.unreadable(f"{len(parts)} answers to {len(paths)} parts of a batch")
        return parts

    async def change(
        self,
        parts: tuple[batch.Part, ...],
        errand: SapErrand,
        deadline: Deadline,
        culprit: Callable[[complaints.Complaint], int | None],
    ) -> tuple[complaints.Entry, ...]:
        """All of the parts or none, and what SAP said beside it. `culprit` tells from a complaint which part it was."""
        try:
            content_type, body = batch.changeset(parts)
        except ValueError:  # a version that never came from here: a line break, or letters no header has
            raise errand.refused("UNSENDABLE", "a version that cannot be put into a header", 0) from None
        answer = self.granted(await self.post("$batch", body, errand, deadline, content_type=content_type), errand)
        answers = self._parts(answer, errand)
        for part in answers:
            if not httpx.codes.is_success(part.status):
                raise self.failure(part.status, part.body, errand, culprit)
        if len(answers) != len(parts):
            raise errand.unreadable(f"{len(answers)} answers to {len(parts)} parts of a batch")
        said = (answer.headers.get("sap-message"), *(part.headers.get("sap-message") for part in answers))
        return tuple(entry for header in said for entry in complaints.warnings(header))

    def granted(self, answer: httpx.Response, errand: SapErrand) -> httpx.Response:
        if answer.is_success:
            return answer
        raise self.failure(answer.status_code, answer.content, errand)

    def done(self, answer: httpx.Response, errand: SapErrand) -> httpx.Response:
        """A success that is over. Outside a batch a 202 only promises something, which nobody here asks for."""
        if answer.status_code == httpx.codes.ACCEPTED:
            raise errand.no_answer("SAP took it to do later, and says no more about it")
        return self.granted(answer, errand)

    def failure(
        self,
        status: int,
        body: bytes,
        errand: SapErrand,
        culprit: Callable[[complaints.Complaint], int | None] | None = None,
    ) -> UpstreamError:
        said = complaints.complaint(status, body)
        failure = complaints.failure(status, said, errand, self._lock_codes)
        if culprit is not None and isinstance(failure, SystemRefused):
            failure.part = culprit(said)
        return failure

    def _parts(self, answer: httpx.Response, errand: SapErrand) -> tuple[batch.PartAnswer, ...]:
        try:
            return batch.answers(answer.headers.get("content-type", ""), answer.content)
        except batch.BatchUnreadable as wrong:
            raise errand.unreadable(f"the batch answer is no multipart: {wrong}") from wrong
