"""The query options of V4, the same within an `$expand` as outside: `_Item($select=…;$expand=_ScheduleLine)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from system_apis.sandbox.sap.filters import Test
from system_apis.sandbox.sap.model import Entity
from system_apis.sandbox.sap.v4.errors import unreadable
from system_apis.sandbox.sap.v4.filters import V4Filter
from system_apis.sandbox.sap.v4.model import MESSAGES, Served
from system_apis.sandbox.sap.values import stored
from system_apis.sandbox.sap.wire import Node

_KNOWN = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$skiptoken", "$count", "$format"}


@dataclass
class Options:
    """`select` empty means every property. `done`: how many rows earlier pages have shown."""

    matches: Test
    select: frozenset[str] = frozenset()
    expand: dict[str, Options] = field(default_factory=dict)
    order: tuple[tuple[str, bool], ...] = ()
    """Property, and whether downwards."""
    top: int | None = None
    skip: int = 0
    done: int = 0
    count: bool = False

    def sorted(self, entity: Entity, rows: list[Node]) -> list[Node]:
        for name, downwards in reversed(self.order):
            prop = entity.properties[name]
            # What is not set comes before everything that is, whatever it is compared with.
            rows.sort(key=lambda row: _rank(stored(prop, row.fields[name])), reverse=downwards)
        return rows


EVERYTHING = Options(lambda _: True)
"""Nothing was asked for in particular."""


def parse(served: Served, entity: Entity, query: Mapping[str, str]) -> Options:
    strange = next((name for name in query if name.startswith("$") and name not in _KNOWN), None)
    if strange:
        raise unreadable(f"The system query option '{strange}' is not supported")
    if query.get("$count", "false") not in ("true", "false"):
        raise unreadable("Invalid value of the system query option '$count'")
    text = query.get("$filter", "")
    return Options(
        matches=V4Filter(entity, text, served.allowed[entity.name].only_equal).test(),
        select=_selected(entity, query.get("$select", "")),
        expand=dict(_expanded(served, entity, query.get("$expand", ""))),
        order=tuple(_ordered(entity, query.get("$orderby", ""))),
        top=_number(query, "$top"),
        skip=_number(query, "$skip") or 0,
        done=_number(query, "$skiptoken") or 0,
        count=query.get("$count") == "true",
    )


def _selected(entity: Entity, text: str) -> frozenset[str]:
    """The keys are always told, asked for or not."""
    names = frozenset(filter(None, (part.strip() for part in text.split(","))))
    strange = names - entity.properties.keys() - entity.navigations.keys() - {"*"}
    if strange:
        raise unreadable(f"Property '{min(strange)}' not found in '{entity.name}'")
    return frozenset() if "*" in names or not names else names | set(entity.keys)


def _expanded(served: Served, entity: Entity, text: str) -> Iterator[tuple[str, Options]]:
    for part in filter(None, (part.strip() for part in _split(text, ","))):
        name, _, inner = part.partition("(")
        navigation = entity.navigations.get(name)
        if navigation is None or (inner and not inner.endswith(")")):
            raise unreadable(f"Navigation property '{name}' not found in '{entity.name}'")
        options = (option.strip().partition("=") for option in _split(inner.removesuffix(")"), ";") if option.strip())
        target = served.model.entities[navigation.target]
        yield name, parse(served, target, {key: value for key, _, value in options})


def _ordered(entity: Entity, text: str) -> Iterator[tuple[str, bool]]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        if name not in entity.properties or name == MESSAGES or direction.strip() not in ("", "asc", "desc"):
            raise unreadable(f"Invalid expression in $orderby: {part}")
        yield name, direction.strip() == "desc"


def _split(text: str, separator: str) -> Iterator[str]:
    """At the separators that stand in no parentheses and in no literal."""
    depth, quoted, start = 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == separator and not quoted and depth == 0:
            yield text[start:place]
            start = place + 1
    if depth or quoted:
        raise unreadable(f"Invalid expression: {text}")
    yield text[start:]


def _rank(value: object) -> tuple[bool, object]:
    return value is not None, value if value is not None else 0


def _number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not (query[name].isascii() and query[name].isdecimal()):
        raise unreadable(f"Invalid value of the system query option '{name}'")
    return int(query[name])
