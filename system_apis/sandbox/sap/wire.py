"""What a service is asked and what it answers, before and after HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from system_apis.sandbox.world.orders import Value


@dataclass(frozen=True)
class Request:
    """`path` is decoded and relative to `root`, the service's absolute URL; header names are lower case."""

    method: str
    root: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def wants_json(self) -> bool:
        """SAP answers ATOM unless it is asked for JSON: `*/*` is not asking."""
        return self.query.get("$format") == "json" or "json" in self.headers.get("accept", "")


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Node:
    """An entity on its way out. `inline` names the navigations that are written out although nobody expanded them."""

    fields: dict[str, Value]
    navigations: Mapping[str, Reach] = field(default_factory=dict)
    inline: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Payload:
    """A request body, decoded by the model: the fields that were sent, and the navigations with what stood in them."""

    fields: dict[str, Value]
    navigations: dict[str, list[Payload]]


Keys = dict[str, str]
Reach = Callable[[], list[Node] | Node | None]
"""Follows a navigation: to many entities, to one, to none."""
