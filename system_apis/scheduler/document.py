"""The document that a scheduler serves of itself, against our calls: what we send is taken, what we read is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, inspect

from system_apis.drift import renamed_to
from system_apis.scheduler.members import Difference, members


class Use(NamedTuple):
    """A call we make: what we send, what we read of the answer."""

    method: str
    path: str
    sends: type[Struct] | None = None
    reads: type[Struct] | None = None


class Document:
    """An OpenAPI document that a scheduler serves of itself."""

    def __init__(self, document: Any) -> None:
        self._document = document
        paths = self._object(document).get("paths")
        self._paths = {_plain(path): item for path, item in self._object(paths).items()}

    def differences(self, used: Sequence[Use]) -> Iterator[Difference]:
        for use in used:
            item = self._paths.get(_plain(use.path))
            if item is None:
                yield self._no_path(use.path)
            elif use.method not in self._object(item):
                yield "notCallable", use.path, None, f"{use.method.upper()} is not served there."
            else:
                operation = self._object(self._object(item)[use.method])
                yield from self._sent(use, operation)
                yield from self._read(use, operation)

    def _no_path(self, path: str) -> Difference:
        near = renamed_to(_plain(path), self._paths)
        text = f"The path is not served; {near} may be what it is called now." if near else "The path is not served."
        return ("renamed" if near else "missing", path, None, text)

    def _sent(self, use: Use, operation: Any) -> Iterator[Difference]:
        if use.sends is None:
            return
        schema = self._schema(operation.get("requestBody"))
        yield from self._accepted(use.path, inspect.type_info(use.sends), schema)

    def _accepted(self, entity: str, sent: inspect.Type, schema: Any) -> Iterator[Difference]:
        """Every member we send is taken, and none is wanted that we do not send."""
        if isinstance(sent, inspect.VarTupleType):
            yield from self._accepted(f"{entity}[]", sent.item_type, self._resolved(schema.get("items")))
            return
        if not isinstance(sent, inspect.StructType):
            return
        known = self._object(schema.get("properties"))
        ours = {field.encode_name: field for field in sent.fields}
        for name, field in ours.items():
            if name not in known and schema.get("additionalProperties") is False:
                yield "notCreatable", entity, name, f"{name} is no longer taken."
            elif name in known:
                yield from self._accepted(f"{entity}/{name}", field.type, self._resolved(known[name]))
        for name in schema.get("required", ()):
            if name not in ours:
                yield "notCallable", entity, name, f"{name} is wanted now, and we do not send it."

    def _read(self, use: Use, operation: Any) -> Iterator[Difference]:
        if use.reads is None:
            return
        answers = self._object(operation.get("responses"))
        for status in ("200", "201"):
            if status in answers:
                yield from self._told(use.path, inspect.type_info(use.reads), self._schema(answers[status]))
                return
        yield "missing", use.path, None, f"{use.method.upper()} has no answer for a success."

    def _told(self, entity: str, read: inspect.Type, schema: Any) -> Iterator[Difference]:
        """Every member we read is told, with a type that we can read."""
        if isinstance(read, inspect.VarTupleType):
            yield from self._told(f"{entity}[]", read.item_type, self._resolved(schema.get("items")))
            return
        if not isinstance(read, inspect.StructType):
            return
        known = {name: self._resolved(each) for name, each in self._object(schema.get("properties")).items()}
        yield from members(read.fields, {name: _named_type(each) for name, each in known.items()}, entity)
        for field in read.fields:
            if field.encode_name in known:
                yield from self._told(f"{entity}/{field.encode_name}", field.type, known[field.encode_name])

    def _schema(self, body: Any) -> Any:
        content = self._object(self._resolved(body)).get("content")
        return self._resolved(self._object(self._object(content).get("application/json")).get("schema"))

    def _resolved(self, node: Any) -> Any:
        """The node behind a local reference; an empty one where the document leads nowhere, or in a circle."""
        for _ in range(20):
            reference = self._object(node).get("$ref")
            if not isinstance(reference, str):
                return self._object(node)
            node = self._document
            for step in reference.removeprefix("#/").split("/"):
                node = self._object(node).get(step.replace("~1", "/").replace("~0", "~"))
        return {}

    @staticmethod
    def _object(node: Any) -> dict[str, Any]:
        return node if isinstance(node, dict) else {}


def _named_type(schema: Mapping[str, Any]) -> str | None:
    """The type of a schema beside null; None where it does not say one."""
    kinds = schema.get("type")
    listed = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
    return listed[0] if len(listed) == 1 and isinstance(listed[0], str) else None


def _plain(path: str) -> str:
    """A path whatever its parameters are called."""
    return re.sub(r"\{[^}]*\}", "{}", path)
