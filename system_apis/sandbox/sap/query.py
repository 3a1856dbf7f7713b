"""The query options understood: $filter (comparisons joined by `and`), $select, $expand, $top, $skip, $inlinecount."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.model import Entity, Model
from system_apis.sandbox.sap.values import from_literal
from system_apis.sandbox.world.orders import Value

Row = Mapping[str, Value]
Test = Callable[[Row], bool]
Tree = dict[str, "Tree"]

_TOKEN = re.compile(r"\s*(\(|\)|(?:[a-z]+)?'(?:[^']|'')*'|[^\s()']+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_KNOWN = {"$filter", "$select", "$expand", "$top", "$skip", "$inlinecount", "$format"}


@dataclass
class Options:
    """`select` empty means every property."""

    matches: Test
    select: Tree = field(default_factory=dict)
    expand: Tree = field(default_factory=dict)
    top: int | None = None
    skip: int = 0
    count: bool = False


def parse(model: Model, entity: Entity, query: Mapping[str, str]) -> Options:
    strange = next((name for name in query if name.startswith("$") and name not in _KNOWN), None)
    if strange:
        raise refused(501, "/IWBEP/CM_MGW_RT/176", f"The query option {strange} is not supported by this system")
    options = Options(
        matches=_filter(entity, query.get("$filter", "")),
        select=_tree(query.get("$select", "")),
        expand=_tree(query.get("$expand", "")),
        top=_number(query, "$top"),
        skip=_number(query, "$skip") or 0,
        count=query.get("$inlinecount") == "allpages",
    )
    options.select = {} if "*" in options.select else options.select
    _check_paths(model, entity, options.select, leaves=True)
    _check_paths(model, entity, options.expand, leaves=False)
    return options


def _tree(paths: str) -> Tree:
    tree: Tree = {}
    for path in filter(None, (part.strip() for part in paths.split(","))):
        branch = tree
        for segment in path.split("/"):
            branch = branch.setdefault(segment, {})
    return tree


def _check_paths(model: Model, entity: Entity, tree: Tree, *, leaves: bool) -> None:
    for name, branch in tree.items():
        navigation = entity.navigations.get(name)
        if navigation:
            _check_paths(model, model.entities[navigation.target], branch, leaves=leaves)
        elif not leaves or branch or name not in entity.properties:
            raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Resource not found for segment '{name}'")


def _number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not query[name].isdecimal():
        raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid system query option value: {name}")
    return int(query[name])


def _filter(entity: Entity, text: str) -> Test:
    tokens = _TOKEN.findall(text)
    if _TOKEN.sub("", text).strip():
        raise _unreadable(text)
    tests = _conjunction(entity, tokens, text) if tokens else []
    if tokens:
        raise _unreadable(text)
    return lambda row: all(test(row) for test in tests)


def _conjunction(entity: Entity, tokens: list[str], text: str) -> list[Test]:
    """Eats `tokens` up to the end or a closing parenthesis."""
    tests = _term(entity, tokens, text)
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        tests += _term(entity, tokens, text)
    return tests


def _term(entity: Entity, tokens: list[str], text: str) -> list[Test]:
    try:
        if tokens[0] == "(":
            tokens.pop(0)
            tests = _conjunction(entity, tokens, text)
            if tokens.pop(0) != ")":
                raise _unreadable(text)
            return tests
        name, comparison, literal = (tokens.pop(0) for _ in range(3))
        compare = _COMPARE[comparison]
    except (IndexError, KeyError, RuntimeError):
        raise _unreadable(text) from None
    prop = entity.properties.get(name)
    if prop is None or not prop.filterable:
        raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Property '{name}' cannot be used in a filter")
    wanted = from_literal(prop, literal)
    return [lambda row: row[name] is not None and compare(row[name], wanted)]


def _unreadable(text: str) -> Refused:
    return refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid expression in $filter: {text}")
