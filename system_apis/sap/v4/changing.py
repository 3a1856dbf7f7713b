"""A change of an order in version 4, step by step: SAP takes one update per changeset, so that several are not atomic.

Every update names the version it is made on. That of an item is its order's (`_SalesOrder/LastChangeDateTime`), so that
whoever changes the order in between stops us. What stands by then is told with the failure, and who repeats a change
reads the order and asks for what still differs.
"""

from __future__ import annotations

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errors import HalfDone, SystemRefused, UpstreamError
from system_apis.sap import odata
from system_apis.sap.asking import SapErrand
from system_apis.sap.batch import Part
from system_apis.sap.books import Between
from system_apis.sap.complaints import Entry
from system_apis.sap.models import OrderPatch
from system_apis.sap.service import Service
from system_apis.sap.v4 import wire
from system_apis.sap.v4.messages import warnings
from system_apis.sap.v4.writing import item_address

_VERSION = msgspec.json.Decoder(wire.Version)
_CHANGED = msgspec.json.Decoder(wire.Changed)
_LOOK = {"select": "SalesOrder,LastChangeDateTime", "expand": "_Item($select=SalesOrderItem)"}


class OrderChange:
    """One change on its way. `_versions` are the versions we know, by address; an order that was changed without a word
    about its new version has none until it is looked at."""

    def __init__(self, service: Service, patch: OrderPatch, errand: SapErrand, deadline: Deadline) -> None:
        self._service = service
        self._number = patch.number
        self._errand = errand
        self._deadline = deadline
        self._header = odata.entity("SalesOrder", SalesOrder=patch.number)
        self._versions = {self._header: patch.etag}

    async def make(self, steps: tuple[Part, ...], between: Between | None = None) -> tuple[Entry, ...]:
        """All of the steps, and what SAP said beside them; or the failure of one, which says what stands by then."""
        self._sendable(self._header)
        if not steps:
            await self._look()
        said: list[Entry] = []
        for place, step in enumerate(steps):
            try:
                if place > 0:
                    await self._stand_still(between)
                said += await self._take(step)
            except UpstreamError as failure:
                if place > 0:
                    failure.half_done = HalfDone(place, len(steps), self._versions.get(self._header))
                if isinstance(failure, SystemRefused):
                    failure.part = place
                raise
        return tuple(dict.fromkeys(said))

    async def _stand_still(self, between: Between | None) -> None:
        """Know where the order stands, and let it be known, before anything more is asked for."""
        try:
            if not self._versions:
                await self._look()
        finally:
            if between is not None:
                await between(self._versions.get(self._header))

    async def _take(self, step: Part) -> tuple[Entry, ...]:
        if step.method == "POST" or step.path not in self._versions:
            await self._look()
        # What is made anew has no version yet: its order's was looked at right before.
        guard = {} if step.method == "POST" else {"If-Match": self._sendable(step.path)}
        answer = await self._service.post(
            step.path, step.body, self._errand, self._deadline, headers=guard, method=step.method
        )
        told = _told(self._service.done(answer, self._errand))
        self._now_at(answer.headers.get("etag") or told.etag)
        return warnings(answer.headers.get("sap-messages"), told.messages)

    def _sendable(self, path: str) -> str:
        """The version of what is at the address, as a header can hold it."""
        etag = self._versions.get(path, self._versions[self._header])
        if not (etag.isascii() and etag.isprintable()):
            raise self._errand.refused("UNSENDABLE", "a version that cannot be put into a header", 0)
        return etag

    def _now_at(self, etag: str | None) -> None:
        """One version for all is the rule, and then the answer's is the next one. Otherwise we have to look again."""
        one_for_all = len(set(self._versions.values())) == 1
        self._versions = dict.fromkeys(self._versions, etag) if etag and one_for_all else {}

    async def _look(self) -> None:
        """Read the versions, and go no further if the order is not at the one we know. A read, though part of a change:
        its failures are those of a read."""
        errand = self._service.errand(self._errand.operation)
        answer = await self._service.get(f"{self._header}{odata.query(**_LOOK)}", errand, self._deadline)
        read = decoded(_VERSION, answer.content, errand)
        etag = read.etag or answer.headers.get("etag")
        if not etag:
            raise errand.unreadable("an order without an ETag")
        if self._versions.get(self._header, etag) != etag:
            raise errand.moved("ETAG", "the order was changed since")
        items = {item_address(self._number, odata.stripped(one.number)): one.etag or etag for one in read.items}
        self._versions = {self._header: etag, **items}


def _told(answer: httpx.Response) -> wire.Changed:
    """What a change says about itself. One that says nothing, or nothing readable, is made all the same."""
    try:
        return _CHANGED.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return wire.Changed()
