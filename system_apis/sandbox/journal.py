"""What reached each system: a bounded ring that tests and people read through the control door."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from itertools import count

from msgspec import Struct

from system_apis.sandbox.asgi import Scope, header

_KEPT = 5_000


class Entry(Struct, rename="camel"):
    """One request. `status` is what the system answered, whether or not anybody heard it; none while it has not."""

    seq: int
    at: datetime
    system: str
    method: str
    path: str
    query: str
    correlation_id: str | None
    traceparent: str | None
    status: int | None = None
    fault: str | None = None


class Journal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._seq = count(1)

    def note(self, system: str, scope: Scope) -> Entry:
        entry = Entry(
            seq=next(self._seq),
            at=datetime.now(UTC),
            system=system,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            correlation_id=header(scope, "x-correlation-id"),
            traceparent=header(scope, "traceparent"),
        )
        self._entries.append(entry)
        return entry

    def read(self, system: str | None = None, after: int = 0) -> list[Entry]:
        return [e for e in self._entries if e.seq > after and system in (None, e.system)]

    def clear(self) -> None:
        """Forgets the entries; sequence numbers go on, so that a reader's `after` stays right."""
        self._entries.clear()
