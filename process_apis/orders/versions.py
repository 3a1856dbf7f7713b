"""The version of an order across systems: a sealed tuple of each part's own version.

Sealed and not hashed, because the ERP's part goes back to the ERP byte for byte: a change is guarded by the version
that the *caller* saw, not by one that was read a moment before writing.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from policies.clients import Disclosure
from process_apis.seals import SealBroken, Seals

VERSION = "order-version+jws"
NOT_SEEN = "?"
"""The part of a system that was silent. It matches everything: who did not see a part has no view of it to lose."""
NOTHING = ""
"""The system answered, and holds nothing of this order."""
_VEIL = "#"


class OrderVersion(Struct, frozen=True, array_like=True):
    """What the caller saw: the ERP's ETag, the schedule's version, the CRM's time of change, our own revision."""

    order_id: str
    erp: str
    plan: str
    crm: str
    own: int
    disclosure: Disclosure


def etag_of(version: OrderVersion, seals: Seals) -> str:
    """A strong entity tag (RFC 9110 §8.8.3), quotes included. Equal versions have equal tags.

    A seal can be read by whoever holds it: to a partner the plan's part names none of our schedulers.
    """
    shown = version if version.disclosure == "internal" else replace(version, plan=_veiled(version.plan))
    return f'"{seals.seal(VERSION, shown)}"'


def version_in(if_match: str, order_id: str, disclosure: Disclosure, seals: Seals) -> OrderVersion | None:
    """The version a caller presents, alone or in a list of tags (RFC 9110 §13.1.1); None if none is one of this order,
    made for such a reader. `*` names none."""
    for tag in if_match.split(","):
        try:
            seen = seals.open(VERSION, tag.strip().strip('"'), OrderVersion)
        except SealBroken:
            continue
        if (seen.order_id, seen.disclosure) == (order_id, disclosure):
            return seen
    return None


def moved_parts(seen: OrderVersion, now: OrderVersion) -> tuple[str, ...]:
    """The systems whose part is not what was seen, in our words."""
    plans = _veiled(seen.plan), _veiled(now.plan)
    parts = (("erp", seen.erp, now.erp), ("scheduler", *plans), ("crm", seen.crm, now.crm))
    moved = [name for name, before, after in parts if before != after and NOT_SEEN not in (before, after)]
    return (*moved, "ordergate") if seen.own != now.own else tuple(moved)


def _veiled(plan: str) -> str:
    """The same for the same plan, veiled before or not."""
    if plan in (NOT_SEEN, NOTHING) or plan.startswith(_VEIL):
        return plan
    return _VEIL + sha256(plan.encode()).hexdigest()[:16]


def crm_part(modified_at: datetime | None) -> str:
    return modified_at.isoformat() if modified_at else NOTHING
