"""What goes back over the wire, ready to be sent or to be kept for a repeat of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Answer:
    """An encoded answer. Header names are lower-case; no field is sent twice.

    `subject` is the id of what a kept answer is about, if its process said so; it is never sent.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    subject: str | None = field(default=None, compare=False)

    def with_headers(self, more: Mapping[str, str]) -> Answer:
        return replace(self, headers={**self.headers, **more}) if more else self
