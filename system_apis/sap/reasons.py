"""Why SAP would not take a line: its message numbers in our words (the codes of the exception schema)."""

from __future__ import annotations

_REASONS = {
    "V1/028": "item-discontinued",
    "V1/382": "item-unknown",
    "V1/394": "item-not-at-plant",
    "V1/369": "uom-invalid",
    "BM/302": "uom-invalid",
    "UNIT_UNKNOWN": "uom-invalid",
}


def reason_of(code: str) -> str:
    """A message number that is not in the table says no all the same: `item-refused`, with SAP's text beside it."""
    return _REASONS.get(code, "item-refused")
