"""Members of a JSON object against those that we read: what is missing, renamed, or of a type that we cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, inspect

from system_apis.drift import Kind, renamed_to

Difference = tuple[Kind, str, str | None, str]
"""What is wrong, where, with which member (None: all of it), and a sentence about it."""

_JSON_TYPES: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.BoolType, "boolean"),
    (inspect.IntType, "integer"),
    (inspect.VarTupleType, "array"),
    (inspect.StructType, "object"),
)
_JSON_NAMES: Mapping[type, str] = {bool: "boolean", int: "integer", list: "array", dict: "object", str: "string"}


def members(wanted: Iterable[inspect.Field], there: Mapping[str, str | None], entity: str) -> Iterator[Difference]:
    """Members that we need, against the names and types that are there (None: the type is not told)."""
    for field in wanted:
        name, known = field.encode_name, there.get(field.encode_name)
        if name in there:
            if known is not None and not _fits(field.type, known):
                yield "wrongType", entity, name, f"{name} is of the type {known}."
        elif field.required:
            near = renamed_to(name, there)
            text = f"{name} is not there; {near} may be what it is called now." if near else f"{name} is not there."
            yield "renamed" if near else "missing", entity, name, text


def fields_of(kind: type[Struct]) -> tuple[inspect.Field, ...]:
    known = inspect.type_info(kind)
    return known.fields if isinstance(known, inspect.StructType) else ()


def _fits(ours: inspect.Type, theirs: str) -> bool:
    """Whether a value of their JSON type can be read as ours. A decimal is a string: a number may have been rounded."""
    kinds = ours.types if isinstance(ours, inspect.UnionType) else (ours,)
    return theirs in {_json_type(kind) for kind in kinds}


def _json_type(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.NoneType):
        return "null"
    return next((name for known, name in _JSON_TYPES if isinstance(kind, known)), "string")


def type_of(value: Any) -> str | None:
    return "null" if value is None else _JSON_NAMES.get(type(value), "number")
