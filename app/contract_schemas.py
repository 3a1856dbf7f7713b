"""msgspec's schemas, told the way readers and generators of the document need them.

What we are sent is closed: unknown members are refused, enums are complete. What we tell may grow: enums are open
(`x-extensible-enum`), and a member with a default is always there, so it is required.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from app.contract_members import MEMBERS

Json = dict[str, Any]
_TEMPLATE = "#/components/schemas/{name}"
_PYTHONS_END = r"$(?!\n)"
"""Python's `$` also stands before a last line feed. That of ECMA-262, which OpenAPI means, does not, and a look-ahead
is beyond the validators of some languages (RE2)."""


class Schemas:
    """The schemas of everything that is `asked` of callers and `told` to them."""

    def __init__(self, asked: Sequence[type], told: Sequence[type]) -> None:
        asked_refs, asked_parts = msgspec.json.schema_components(asked, ref_template=_TEMPLATE)
        told_refs, told_parts = msgspec.json.schema_components(told, ref_template=_TEMPLATE)
        self._refs: dict[type, Json] = dict(zip((*asked, *told), (*asked_refs, *told_refs), strict=True))
        differing = [name for name, part in asked_parts.items() if told_parts.get(name, part) != part]
        if differing:
            raise ValueError(f"two types of one name, one of them needs another: {sorted(differing)}")
        self._asked = {name: _typed(part) for name, part in asked_parts.items()}
        # what is told back as it was asked stays as closed as it was
        self._told = {name: _opened(_typed(part)) for name, part in told_parts.items() if name not in asked_parts}

    def ref(self, kind: type) -> Json:
        return self._refs[kind]

    def answer(self, kinds: Sequence[type]) -> Json:
        """One of the kinds: which one, the client's disclosure decides."""
        refs = [self._refs[kind] for kind in kinds]
        return refs[0] if len(refs) == 1 else {"anyOf": refs}

    def parameters(self, query: type[msgspec.Struct] | None) -> list[Json]:
        """A query struct as the parameters that it is."""
        if query is None:
            return []
        shape = self._asked[query.__name__]
        return [
            {
                "name": name,
                "in": "query",
                "required": name in shape.get("required", ()),
                "description": _pop_description(part),
                "schema": _not_null(part),
            }
            for name, part in ((name, dict(part)) for name, part in shape["properties"].items())
        ]

    def components(self, inlined: Iterable[str]) -> Json:
        """All of them by name, without those that stand elsewhere in the document."""
        left_out = set(inlined)
        named = {**self._asked, **self._told}
        return {name: _explained(name, named[name]) for name in sorted(named) if name not in left_out}


def _typed(schema: Json) -> Json:
    """Enums get a type, which generators ask for; a docstring loses its indentation, which Markdown takes for code; an
    empty tuple is JSON's empty list."""
    for part in _parts(schema):
        if isinstance(part.get("description"), str):
            part["description"] = inspect.cleandoc(part["description"])
        if isinstance(part.get("default"), tuple):
            part["default"] = list(part["default"])
        if isinstance(part.get("pattern"), str):
            part["pattern"] = part["pattern"].replace(_PYTHONS_END, "$")
        values = part.get("enum")
        if values and "type" not in part and all(isinstance(value, str) for value in values):
            part["type"] = "string"
    return schema


def _opened(schema: Json) -> Json:
    for part in _parts(schema):
        if "enum" in part and part.get("type") == "string":
            part["x-extensible-enum"] = part.pop("enum")
        if part.get("type") == "object" and "properties" in part:
            always = [name for name, member in part["properties"].items() if "default" in member]
            for name in always:
                del part["properties"][name]["default"]
            part["required"] = [name for name in part["properties"] if name in {*part.get("required", ()), *always}]
    return schema


def _explained(name: str, schema: Json) -> Json:
    """Members without a text of their own get the one of MEMBERS. A bare $ref stays bare: generators drop its
    siblings."""
    for member, part in schema.get("properties", {}).items():
        text = MEMBERS.get(f"{name}.{member}", MEMBERS.get(member))
        if text and "description" not in part and "$ref" not in part:
            part["description"] = text
    return schema


def _parts(schema: Any) -> Iterator[Json]:
    if isinstance(schema, dict):
        yield schema
        for each in list(schema.values()):
            yield from _parts(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _parts(each)


def _pop_description(part: Json) -> str:
    if "description" in part:
        return str(part.pop("description"))
    for each in part.get("anyOf", ()):
        if "description" in each:
            return str(each.pop("description"))
    return ""


def _not_null(part: Json) -> Json:
    """A query parameter that may be left out is never sent as null."""
    kinds = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) == 1:
        part = {**{name: value for name, value in part.items() if name != "anyOf"}, **kinds[0]}
    return {name: value for name, value in part.items() if not (name == "default" and value is None)}
