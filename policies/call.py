"""One call as the policies see it: what came over the wire, before anybody decoded it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was matched to a route.

    `id` is a `urn:uuid:` and becomes the `instance` of a problem. `route` is the template (`/v1/orders/{orderId}`).
    `headers` holds the first value of each field by lower-case name; `header_list` all of them in order, so that a
    field sent twice is noticed. `body` is raw. `received_at` is aware UTC.

    `answer_headers` changes on the way: policies put there what belongs on *every* answer to this call,
    be it the process's or a problem raised later. The edge merges it into whatever it sends. Names are lower-case.
    `learned` grows likewise: what the policies found out on the way, for whoever has to explain a refusal.
    """

    id: str
    correlation_id: str
    method: str
    route: str
    path_params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    header_list: tuple[tuple[str, str], ...]
    client_address: str
    body: bytes
    received_at: datetime
    answer_headers: dict[str, str] = field(default_factory=dict)
    learned: dict[str, Any] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """Method and route template: the same for every call of one kind."""
        return f"{self.method} {self.route}"

    def every(self, name: str) -> Iterator[str]:
        """All values of the header field `name` (lower-case), in the order they came."""
        return (value for field_name, value in self.header_list if field_name.lower() == name)
