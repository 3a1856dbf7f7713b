"""What somebody asked for, and what they were told: one half of what the judge compares."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

AT_REST = frozenset(
    {"completed", "completedWithExceptions", "rejected", "cancelled", "expired", "failed", "actionRequired"}
)


@dataclass(frozen=True)
class Quote:
    """A quote of the CRM that is to be converted; `po` is the customer's order number, used for no other quote."""

    quote_id: str
    name: str
    customer: str

    @property
    def po(self) -> str:
        return f"CHAOS-{self.name}"


@dataclass
class Asked:
    """One quote's story. `told`: operation id to the last thing that was said of it; an operation counts as told
    once a call that starts one was answered 2xx."""

    quote: Quote
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Idempotency key to the operation that it was answered with."""
    refused: str | None = None
    """The last refusal of the first key, if there never was a 2xx."""
    broken: list[str] = field(default_factory=list)
    """Promises about keys that were not kept."""
    troubles: Counter[str] = field(default_factory=Counter)
    """What calls met before they were answered."""

    def answered(self, key: str, view: dict[str, Any]) -> None:
        """A 2xx to a call that starts a conversion: the same key must always name the same operation."""
        operation_id = str(view["operationId"])
        known = self.keys.setdefault(key, operation_id)
        if known != operation_id:
            self.broken.append(f"the key of operation {known} was answered with {operation_id}")
        self.told.setdefault(operation_id, view)

    def refused_second(self, holder: str | None) -> None:
        """A 409 to a second key: it must link to the operation that holds the lines."""
        if holder is None:
            self.broken.append("a second key was refused without a link to the operation")
        self.troubles["second key refused"] += 1

    @property
    def at_rest(self) -> bool:
        return bool(self.told) and all(view["state"] in AT_REST for view in self.told.values())

    @property
    def states(self) -> list[str]:
        return [str(view["state"]) for view in self.told.values()]
