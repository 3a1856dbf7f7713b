"""Paths of V4: `SalesOrder('1')`, `SalesOrder/1`, and from there on through navigations, however far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.model import Entity, Model
from system_apis.sandbox.sap.v4.errors import not_found, unreadable
from system_apis.sandbox.sap.values import comparable
from system_apis.sandbox.sap.wire import Keys, Node

_SEGMENT = re.compile(r"(\w+)(?:\((.+)\))?")
_KEY = re.compile(r"(?:(\w+)=)?'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Target:
    """What a path points at: one `node`, or `nodes`. `via`: the entity it was reached from, by what, and its keys."""

    entity: Entity
    nodes: Callable[[], Iterable[Node]]
    node: Node | None = None
    via: tuple[Entity, str, Keys] | None = None

    @property
    def keys(self) -> Keys:
        """Of the one node."""
        return {} if self.node is None else {key: str(self.node.fields[key]) for key in self.entity.keys}


def resolve(model: Model, book: Book, changes: Changes, path: str) -> Target:
    """Follows the path from its entity set on. Refused as soon as a segment leads nowhere."""
    segments = path.split("/")
    target = None
    while segments:
        segment = segments.pop(0)
        name, inside = _parsed(segment)
        target = _entered(model, book, changes, name) if target is None else _followed(model, target, name)
        keys = _keys(target.entity, inside) if inside else _from_segments(target, segments)
        if keys is not None:
            target = _picked(book, changes, target, keys)
        elif segments and target.node is None:
            raise not_found(segments[0])
    if target is None:
        raise not_found(path)
    return target


def address(entity: Entity, node: Node) -> str:
    """Of an entity, relative to the service's root."""
    values = {key: quote(f"'{str(node.fields[key]).replace(chr(39), chr(39) * 2)}'", safe="'") for key in entity.keys}
    inside = next(iter(values.values())) if len(values) == 1 else ",".join(f"{k}={v}" for k, v in values.items())
    return f"{entity.name}({inside})"


def _parsed(segment: str) -> tuple[str, str | None]:
    shape = _SEGMENT.fullmatch(segment)
    if shape is None:
        raise not_found(segment)
    return shape.group(1), shape.group(2)


def _entered(model: Model, book: Book, changes: Changes, name: str) -> Target:
    if name not in model.entities:
        raise not_found(name)
    return Target(model.entities[name], lambda: book.rows(changes, name))


def _followed(model: Model, source: Target, name: str) -> Target:
    navigation = source.entity.navigations.get(name)
    if source.node is None or navigation is None:
        raise not_found(name)
    reached, entity = source.node.navigations[name](), model.entities[navigation.target]
    via = (source.entity, name, source.keys)
    if isinstance(reached, list):
        return Target(entity, lambda: reached, via=via)
    return Target(entity, tuple, reached, via)


def _picked(book: Book, changes: Changes, target: Target, keys: Keys) -> Target:
    """One of a set by its keys; reached through a navigation, it must be among what that leads to."""
    if target.node is not None:
        raise unreadable(f"Invalid key predicate for '{target.entity.name}'")
    if target.via is None:
        node = book.find(changes, target.entity.name, keys)
    else:
        node = next((each for each in target.nodes() if all(each.fields[k] == v for k, v in keys.items())), None)
    if node is None:
        raise not_found(target.entity.name)
    return Target(target.entity, tuple, node, target.via)


def _keys(entity: Entity, inside: str) -> Keys:
    raw = {name: value.replace("''", "'") for name, value in _KEY.findall(inside)}
    named = {entity.keys[0]: raw[""]} if "" in raw and len(entity.keys) == 1 else raw
    if set(named) != set(entity.keys) or _KEY.sub("", inside).strip(", "):
        raise unreadable(f"Invalid key predicate for '{entity.name}'")
    return _comparable(entity, named)


def _from_segments(target: Target, segments: list[str]) -> Keys | None:
    """Keys written as segments of their own: as many as the set has, in its order."""
    entity = target.entity
    if target.node is not None or not segments:
        return None
    if len(segments) < len(entity.keys):
        raise not_found(segments[0])
    values = [segments.pop(0) for _ in entity.keys]
    return _comparable(entity, dict(zip(entity.keys, values, strict=True)))


def _comparable(entity: Entity, named: dict[str, str]) -> Keys:
    return {key: str(comparable(entity.properties[key], named[key])) for key in entity.keys}
