"""Services that are only read: rows that the world yields, joined by the keys that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.model import Entity, Model, Navigation
from system_apis.sandbox.sap.values import comparable
from system_apis.sandbox.sap.wire import Keys, Node, Reach
from system_apis.sandbox.world import World
from system_apis.sandbox.world.orders import Value

Row = Mapping[str, Value]
Source = Callable[[World], Iterable[Row]]


class Catalogue(Book):
    """`sources`: entity set to its rows; fields that a row leaves out are blank."""

    def __init__(self, model: Model, sources: Mapping[str, Source]) -> None:
        self._model, self._sources = model, sources

    def rows(self, changes: Changes, entity: str) -> Iterator[Node]:
        kind = self._model.entities[entity]
        blank = kind.blank
        for row in self._sources[entity](changes.world):
            fields = {**blank, **row}
            reaches: dict[str, Reach] = {
                name: partial(self._reached, changes, kind, fields, link) for name, link in kind.navigations.items()
            }
            yield Node(fields, reaches)

    def find(self, changes: Changes, entity: str, keys: Keys) -> Node | None:
        properties = self._model.entities[entity].properties
        return next(
            (
                node
                for node in self.rows(changes, entity)
                if all(comparable(properties[key], node.fields[key]) == value for key, value in keys.items())
            ),
            None,
        )

    def _reached(self, changes: Changes, source: Entity, fields: Row, link: Navigation) -> list[Node] | Node | None:
        target = self._model.entities[link.target]
        shared = [key for key in source.keys if key in target.properties]
        shared = shared or [key for key in target.keys if key in source.properties]
        rows = self.rows(changes, target.name)
        hits = [node for node in rows if all(node.fields[key] == fields[key] for key in shared)]
        return hits if link.many else next(iter(hits), None)
