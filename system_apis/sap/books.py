"""The order book of an SAP system: what is asked of it is the same whichever dialect it speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from system_apis.deadline import Deadline
from system_apis.sap.models import Changed, NewOrder, Order, OrderPatch

SalesOrderApi = Literal["v2", "v4"]
"""Which service keeps an instance's sales orders: API_SALES_ORDER_SRV (v2) or CE_SALESORDER_0001 (v4)."""

Between = Callable[[str | None], Awaitable[object]]
"""Awaited between two steps of a change that is not one request, with the order's version as the first left it (None:
SAP did not say). Whatever it raises ends the change there."""


class OrderBook(Protocol):
    async def create(self, order: NewOrder, deadline: Deadline) -> Order: ...

    async def find(self, reference: str, sold_to: str, deadline: Deadline) -> tuple[Order, ...]: ...

    async def read(self, number: str, deadline: Deadline) -> Order: ...

    async def version(self, number: str, deadline: Deadline) -> str: ...

    async def change(
        self, patch: OrderPatch, deadline: Deadline, *, reread: bool, between: Between | None
    ) -> Changed: ...

    async def ping(self, deadline: Deadline) -> None: ...
