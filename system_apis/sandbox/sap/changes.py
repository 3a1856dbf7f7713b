"""The orders as one changeset sees them: its own changes over what is committed, written all at once or not at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime

from system_apis.sandbox.locks import LOCKED
from system_apis.sandbox.sap.errors import Locked, Message
from system_apis.sandbox.world import World
from system_apis.sandbox.world.orders import Order


class Changes:
    def __init__(self, world: World) -> None:
        self.world = world
        self.messages: list[Message] = []
        """Warnings for the answer of the request at hand."""
        self._staged: dict[str, Order] = {}
        self._stamp: datetime | None = None

    @property
    def stamp(self) -> datetime:
        """The version that everything written here gets."""
        self._stamp = self._stamp or self.world.stamp()
        return self._stamp

    @property
    def documents(self) -> int:
        return len(self._staged)

    def orders(self) -> Iterator[Order]:
        for number, order in self.world.orders.items():
            yield self._staged.get(number, order)
        for number, order in self._staged.items():
            if number not in self.world.orders:
                yield order

    def order(self, number: str) -> Order | None:
        return self._staged.get(number) or self.world.orders.get(number)

    def opened(self, number: str) -> Order:
        """A copy of the order to be changed in place. Its `changed_at` moves when the changes are committed."""
        if LOCKED.get():
            held = f"The sales order {number} is currently being processed by user SALES01"
            raise Locked(400, [Message("VL/045", held)])
        if number not in self._staged:
            self._staged[number] = copy.deepcopy(self.world.orders[number])
        return self._staged[number]

    def add(self, order: Order) -> None:
        if LOCKED.get():
            raise Locked(400, [Message("M3/897", f"Customer {order.customer} is locked by user SALES01")])
        self._staged[order.number] = order

    def next_number(self) -> str:
        """From the number range; a number drawn for nothing leaves a gap, as SAP's buffered ranges do."""
        number = self.world.next_order
        self.world.next_order += 1
        return str(number)

    def show_stamp(self) -> None:
        """Lets what was changed show its new version before it is committed: V4 answers a change with the whole."""
        for order in self._staged.values():
            order.changed_at = self.stamp

    def commit(self) -> None:
        self.show_stamp()
        self.world.orders |= self._staged
        self._staged = {}
