"""An operator at work on the operations of a gateway without its edge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.answer import Answer
from policies.audit_tables import audit_entries
from policies.clients import Client
from policies.idempotency import Claim, Ledger
from process_apis.caller import Caller
from process_apis.durable import Durable
from process_apis.landscape import Landscape
from process_apis.operating import exceptions, looking, stepping_in
from process_apis.operating.models import (
    Because,
    ExceptionOutcome,
    OperatedOperation,
    OperationOutcome,
    OperationSummary,
    OperatorException,
)
from process_apis.outbox import Event, list_events
from process_apis.seals import Seals
from process_apis.words import new_id
from system_apis.deadline import Deadline

OPERATOR = Client("operator", "Integration desk", "operator", frozenset({"ops:read", "ops:write"}))
EVERYBODY = Client("crm", "CRM", "crm", frozenset(), ("*",), ("*",), "internal")
SEALS = Seals(["a key of these tests alone, 32 bytes or more"])


def answer_of(view: Any) -> Answer:
    return Answer(200, {}, msgspec.json.encode(view))


@dataclass
class Desk:
    """What an operator has in hand. Each act is made under a key of its own, on the version just seen."""

    store: AsyncEngine
    landscape: Landscape
    durable: Durable

    async def caller(self, if_match: str | None = None) -> Caller:
        claim = await Ledger(self.store).claim("operator", "an act", new_id("key"), "fp", encode=answer_of)
        assert isinstance(claim, Claim)
        return Caller(OPERATOR, new_id("corr"), Deadline.after(20), claim, if_match, credential="token:desk")

    async def show(self, operation_id: str) -> OperatedOperation:
        return await looking.show_operated(self.looks(), None, operation_id=operation_id, store=self.store)

    async def listed(self, **asked: Any) -> list[OperationSummary]:
        """All pages."""
        found: list[OperationSummary] = []
        cursor = None
        while True:
            page = await looking.list_operated(
                self.looks(), None, store=self.store, seals=SEALS, cursor=cursor, **asked
            )
            found += page.operations
            cursor = page.next
            if cursor is None:
                return found

    async def exceptions(self, **asked: Any) -> list[OperatorException]:
        """All pages."""
        found: list[OperatorException] = []
        cursor = None
        while True:
            page = await exceptions.list_exceptions(
                self.looks(), None, store=self.store, seals=SEALS, cursor=cursor, **asked
            )
            found += page.exceptions
            cursor = page.next
            if cursor is None:
                return found

    async def retry(self, operation_id: str, *, etag: str | None = None) -> OperatedOperation:
        caller = await self.caller(etag or (await self.show(operation_id)).etag)
        return await stepping_in.retry_operation(
            caller, Because("it was tried again"), operation_id=operation_id, **self._parts()
        )

    async def resolve(self, operation_id: str, outcome: str, order_id: str | None = None) -> OperatedOperation:
        said = msgspec.convert({"outcome": outcome, "reason": "somebody looked", "orderId": order_id}, OperationOutcome)
        caller = await self.caller((await self.show(operation_id)).etag)
        return await stepping_in.resolve_operation(caller, said, operation_id=operation_id, **self._parts())

    async def cancel(self, operation_id: str) -> OperatedOperation:
        return await stepping_in.cancel_operation_by_hand(
            await self.caller(), Because("ordered by mistake"), operation_id=operation_id, **self._parts()
        )

    async def acknowledge(self, exception_id: str) -> OperatorException:
        return await exceptions.acknowledge_exception(
            await self.caller(), Because("I look after it"), exception_id=exception_id, store=self.store
        )

    async def end(self, seen: OperatorException, resolution: str = "resolved") -> OperatorException:
        said = msgspec.convert({"reason": "it is over", "resolution": resolution}, ExceptionOutcome)
        return await exceptions.resolve_exception(
            await self.caller(seen.etag), said, exception_id=seen.exception_id, store=self.store
        )

    async def until(
        self, operation_id: str, holds: Callable[[OperatedOperation], bool], within_s: float = 40
    ) -> OperatedOperation:
        """The operation as soon as `holds` is true of it."""
        async with asyncio.timeout(within_s):
            while True:
                seen = await self.show(operation_id)
                if holds(seen):
                    return seen
                await asyncio.sleep(0.05)

    async def stuck(self, operation_id: str) -> OperatedOperation:
        return await self.until(operation_id, lambda seen: seen.state == "actionRequired")

    async def events(self, type_: str) -> list[Event]:
        """Those of a type, oldest first."""
        caller, found, after = Caller(EVERYBODY, "corr", Deadline.after(5)), [], None
        while (page := await list_events(caller, None, store=self.store, after=after)).events:
            found += page.events
            after = page.next
        return [one for one in found if one.type == type_]

    async def audited(self, subject: str) -> list[tuple[str, str, str, str | None]]:
        """What operators did to it: act, client, credential, reason."""
        held = audit_entries.c
        async with self.store.connect() as connection:
            rows = await connection.execute(
                select(held.act, held.client_id, held.credential, held.reason)
                .where(held.subject == subject, held.client_id == "operator")
                .order_by(held.sequence)
            )
            return [tuple(row) for row in rows]

    @staticmethod
    def looks() -> Caller:
        return Caller(OPERATOR, "corr-look", Deadline.after(10))

    def _parts(self) -> dict[str, Any]:
        return {"store": self.store, "landscape": self.landscape, "durable": self.durable}
