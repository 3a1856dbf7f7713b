"""What goes back over the wire, ready to be sent or to be kept for a repeat of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """An encoded answer. Header names are lower-case; no field is sent twice."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, more: Mapping[str, str]) -> Answer:
        return Answer(self.status, {**self.headers, **more}, self.body) if more else self
