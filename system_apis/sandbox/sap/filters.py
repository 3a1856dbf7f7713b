"""$filter: comparisons of a property with a literal, joined by `and`, `or` and `not`, in parentheses or not."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.model import Entity
from system_apis.sandbox.sap.values import comparable, from_literal, stored
from system_apis.sandbox.world.orders import Value

Test = Callable[[Mapping[str, Value]], bool]

_TOKEN = re.compile(r"\s*(\(|\)|(?:[a-z]+)?'(?:[^']|'')*'|[^\s()']+)")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip


class Filter:
    """Reads one expression from left to right; `not` binds closest, then `and`, then `or`."""

    def __init__(self, entity: Entity, text: str) -> None:
        self._entity, self._text = entity, text
        self._tokens: list[str] = _TOKEN.findall(text)
        if _TOKEN.sub("", text).strip():
            raise self._unreadable()

    def test(self) -> Test:
        if not self._tokens:
            return lambda _: True
        found = self._joined("or", lambda: self._joined("and", self._term, all), any)
        if self._tokens:
            raise self._unreadable()
        return found

    def _joined(self, word: str, part: Callable[[], Test], quantifier: Callable[[Any], bool]) -> Test:
        tests = [part()]
        while self._tokens[:1] == [word]:
            self._tokens.pop(0)
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda row: quantifier(test(row) for test in tests)

    def _term(self) -> Test:
        first = self._next()
        if first == "not":
            inner = self._term()
            return lambda row: not inner(row)
        if first == "(":
            inner = self._joined("or", lambda: self._joined("and", self._term, all), any)
            if self._next() != ")":
                raise self._unreadable()
            return inner
        return self._comparison(first, self._next(), self._next())

    def _comparison(self, name: str, comparison: str, literal: str) -> Test:
        prop, compare = self._entity.properties.get(name), COMPARE.get(comparison)
        if compare is None:
            raise self._unreadable()
        if prop is None or not prop.filterable:
            raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Property '{name}' cannot be used in a filter")
        wanted = stored(prop, from_literal(prop, literal))
        return lambda row: row[name] is not None and compare(stored(prop, comparable(prop, row[name])), wanted)

    def _next(self) -> str:
        if not self._tokens:
            raise self._unreadable()
        return self._tokens.pop(0)

    def _unreadable(self) -> Refused:
        return refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid expression in $filter: {self._text}")
