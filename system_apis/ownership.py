"""Who owns what, and the guard that every write to a neighbour passes before anything is sent.

A field has one owner. Others may write it only if its owner lets them *ask* for it through its published API: a wish
for another quantity is asked, a price is not. A field that nobody has named an owner of is not written either: whoever
begins to write one says here, first, whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from system_apis.errand import Errand
from system_apis.errors import OwnerViolation

Owner = Literal["crm", "erp", "scheduler", "ordergate"]
REST = "*"
"""All fields of an object that are not named."""


class Field(NamedTuple):
    """`asked`: the owner takes wishes of others for it, as orders, changes or commits of its published API."""

    owner: Owner
    asked: bool = False


_CRM, _ERP, _SCHEDULER, _OURS = Field("crm"), Field("erp"), Field("scheduler"), Field("ordergate")
_WISH = Field("erp", asked=True)

OWNERS: Mapping[str, Mapping[str, Field]] = {
    "customer": {REST: _CRM},
    "opportunity": {REST: _CRM},
    "quote": {
        REST: _CRM,
        **dict.fromkeys(("operation", "conversionState", "message", "orderNumber", "orderInstance"), _OURS),
        "confirmedDate": _OURS,
    },
    "quoteLine": {
        REST: _CRM,
        **dict.fromkeys(("conversionState", "message", "orderItem", "confirmedQuantity", "confirmedDate"), _OURS),
    },
    "order": {
        REST: _ERP,
        **dict.fromkeys(("type", "salesArea", "soldTo", "partners", "customerPo", "requestedDate"), _WISH),
        **dict.fromkeys(("items", "predecessor", "block"), _WISH),
        "reference": _OURS,
    },
    "orderItem": {
        REST: _ERP,
        **dict.fromkeys(("number", "material", "quantity", "unit", "plant", "requestedDate"), _WISH),
        **dict.fromkeys(("rejectionReason", "predecessor", "block"), _WISH),
    },
    **{thing: {REST: _ERP} for thing in ("price", "tax", "credit", "stock", "delivery", "invoice")},
    "commitment": {REST: _SCHEDULER, "scenario": Field("scheduler", asked=True)},
    **{thing: {REST: _SCHEDULER} for thing in ("capacity", "sequence", "plan")},
    **{thing: {REST: _OURS} for thing in ("operation", "promise", "exception", "idempotency", "audit")},
}
"""The table of owners, by object and field in our words."""


def owner_of(thing: str, field: str) -> Field | None:
    """Whose the field is; None for an object that nobody has named."""
    fields = OWNERS.get(thing, {})
    return fields.get(field, fields.get(REST))


@dataclass(frozen=True, slots=True)
class Words:
    """One object of a neighbour in our words: `fields` from its names to ours, `REST` for all that are not named."""

    thing: str
    fields: Mapping[str, str]

    def ours(self, name: str) -> str | None:
        return self.fields.get(name, self.fields.get(REST))


def guard(
    errand: Errand, words: Mapping[str, Words], entity: str, fields: Iterable[str], *, writer: Owner = "ordergate"
) -> None:
    """Raise OwnerViolation unless `writer` may write all of `fields` of the neighbour's `entity`."""
    known = words.get(entity)
    for name in fields:
        field = known.ours(name) if known else None
        owned = owner_of(known.thing, field) if known and field else None
        if owned is None:
            raise _violation(errand, f"nobody is named as the owner of {entity}.{name}")
        if not (owned.owner == writer or owned.asked):
            raise _violation(errand, f"{entity}.{name} belongs to the {owned.owner}")


def _violation(errand: Errand, message: str) -> OwnerViolation:
    return OwnerViolation(errand.system, errand.instance, errand.operation, OwnerViolation.CODE, message, 0)
