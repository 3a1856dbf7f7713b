"""Why was this call refused? The last refusals, in memory, each with what decided it and the facts it was decided on.

A ring, and a fair one: when it is full the oldest refusal of whoever has the most of them goes, so that a flood pushes
out its own and nobody else's. Nothing is written anywhere: no flood fills a disk.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

MOST: Final = 5_000
MOST_OF_ONE: Final = 500
MOST_STRANGERS: Final = 256
"""So many addresses of callers that proved nothing are told apart; further ones share one place."""
LONGEST_TEXT: Final = 300


class Explanation(Struct, frozen=True, kw_only=True, rename="camel"):
    """A refusal. `decided_by` is the policy or layer that said no, `facts` what it went by, `remedy` what would help.

    Facts are about the call and its own client: no secret, nothing of another client's.
    """

    instance: str
    at: datetime
    status: int
    code: str
    decided_by: str
    because: str
    operation: str
    client_id: str | None
    credential: str | None
    correlation_id: str
    facts: dict[str, Any]
    remedy: str


class Explanations:
    """The ring of this process. `process` names it where there are several: nobody else knows its refusals."""

    def __init__(self, process: str, *, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self.process = process
        self._most = most
        self._most_of_one = most_of_one
        self._kept: dict[str, Explanation] = {}
        self._of: OrderedDict[str, deque[str]] = OrderedDict()
        self._strangers: set[str] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, explanation: Explanation, address: str) -> None:
        """Remember it; `address` stands for a caller that did not say who it is."""
        owner = f"client {explanation.client_id}" if explanation.client_id else self._stranger(address)
        own = self._of.setdefault(owner, deque())
        if len(own) >= self._most_of_one:
            self._forget(owner)
        elif len(self._kept) >= self._most:
            self._forget(max(self._of, key=lambda each: len(self._of[each])))
        self._of.setdefault(owner, own).append(explanation.instance)
        self._kept[explanation.instance] = explanation

    def find(self, instance: str) -> Explanation | None:
        return self._kept.get(instance)

    def _stranger(self, address: str) -> str:
        if address not in self._strangers:
            if len(self._strangers) >= MOST_STRANGERS:
                return "strangers"
            self._strangers.add(address)
        return f"address {address}"

    def _forget(self, owner: str) -> None:
        own = self._of[owner]
        self._kept.pop(own.popleft(), None)
        if not own:
            del self._of[owner]
            self._strangers.discard(owner.removeprefix("address "))
