"""What one of the two sales order services calls the same things: the rules speak V2, V4 has names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from system_apis.sandbox.sap.model import Entity
from system_apis.sandbox.sap.wire import Payload
from system_apis.sandbox.world.orders import Value


@dataclass(frozen=True)
class Words:
    """Entity sets, navigations, and the fields that are called differently: V2's name to the one used here."""

    header: str = "A_SalesOrder"
    item: str = "A_SalesOrderItem"
    line: str = "A_SalesOrderScheduleLine"
    partner: str = "A_SalesOrderHeaderPartner"
    to_items: str = "to_Item"
    to_partners: str = "to_Partner"
    to_lines: str = "to_ScheduleLine"
    to_order: str = "to_SalesOrder"
    to_own_item: str = "to_SalesOrderItem"
    fields: Mapping[str, str] = field(default_factory=dict)

    def told(self, entity: Entity, fields: Mapping[str, Value]) -> dict[str, Value]:
        """A record of `entity` under the names of this service; what is unset is blank.

        What its metadata does not have stays in and is never shown.
        """
        return entity.blank | {self.fields.get(name, name): value for name, value in fields.items()}

    def heard(self, body: Payload) -> Payload:
        """What was sent, under the names of the rules."""
        back = {here: name for name, here in self.fields.items()}
        return Payload(
            {back.get(name, name): value for name, value in body.fields.items()},
            {name: [self.heard(inner) for inner in inners] for name, inners in body.navigations.items()},
        )
