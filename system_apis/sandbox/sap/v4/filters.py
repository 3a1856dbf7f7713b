"""$filter in V4: the comparisons of V2 with V4's literals, and three functions on texts. There is no `not`."""

from __future__ import annotations

from collections.abc import Callable

from system_apis.sandbox.sap.errors import Refused
from system_apis.sandbox.sap.filters import COMPARE, Filter, Test
from system_apis.sandbox.sap.model import Entity, Property
from system_apis.sandbox.sap.v4.errors import unreadable
from system_apis.sandbox.sap.v4.values import from_literal
from system_apis.sandbox.sap.values import comparable, stored

_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


class V4Filter(Filter):
    """`only_equal`: properties whose unit or currency differs from row to row; SAP compares them with `eq` alone."""

    def __init__(self, entity: Entity, text: str, only_equal: frozenset[str]) -> None:
        super().__init__(entity, text)
        self._only_equal = only_equal

    def _term(self) -> Test:
        if self._tokens[:1] == ["not"]:
            raise self._unreadable()
        if self._tokens[:1] and self._tokens[0] in _FUNCTIONS and self._tokens[1:2] == ["("]:
            return self._function()
        return super()._term()

    def _function(self) -> Test:
        holds, _ = _FUNCTIONS[self._next()], self._next()
        name = self._next()
        if not name.endswith(","):
            self._expect(",")
        prop = self._property(name.removesuffix(","))
        literal = from_literal(prop, self._next())
        self._expect(")")
        if prop.type != "Edm.String" or not isinstance(literal, str):
            raise self._unreadable()
        return lambda row: holds(str(comparable(prop, row[prop.name]) or ""), literal)

    def _comparison(self, name: str, comparison: str, literal: str) -> Test:
        prop, compare = self._property(name), COMPARE.get(comparison)
        if compare is None:
            raise self._unreadable()
        if name in self._only_equal and comparison != "eq":
            raise unreadable(f"Property '{name}' can only be compared with eq")
        wanted = stored(prop, from_literal(prop, literal))
        if comparison in ("eq", "ne"):
            return lambda row: compare(stored(prop, comparable(prop, row[name])), wanted)
        return lambda row: (
            None not in (row[name], wanted) and compare(stored(prop, comparable(prop, row[name])), wanted)
        )

    def _property(self, name: str) -> Property:
        prop = self._entity.properties.get(name)
        if prop is None or not prop.filterable:
            raise unreadable(f"Property '{name}' cannot be used in a filter")
        return prop

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise self._unreadable()

    def _unreadable(self) -> Refused:
        return unreadable(f"Invalid expression in $filter: {self._text}")
