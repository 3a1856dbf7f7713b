"""Canaries: what a system tells beyond what anybody needs, planted in its answers to see where it ends up.

A real SAP or Salesforce answers with other customers' names, cost prices and stock, in fields that somebody added.
Whatever stands in an answer as a JSON object gets the planted members too, however deep; metadata and pages do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from system_apis.sandbox.asgi import Message, Send
from system_apis.sandbox.faults.wanted import System
from system_apis.sandbox.journal import Entry

_GOOD = 300


class CanaryWanted(Struct, rename="camel", forbid_unknown_fields=True):
    """`fields` for every object in answers of `system`; `path`: a regular expression searched in the path, any if none.

    Members that the system itself tells stay as they are.
    """

    system: System
    fields: dict[str, str | int | float | bool | None]
    path: str | None = None


class Canaries:
    """All that were planted, until they are lifted or the world begins anew."""

    def __init__(self) -> None:
        self._planted: list[CanaryWanted] = []

    def plant(self, wanted: CanaryWanted) -> None:
        re.compile(wanted.path or "")
        self._planted.append(wanted)

    def lift(self) -> None:
        self._planted.clear()

    def around(self, entry: Entry, send: Send) -> Send:
        """The way out for the answer to this request: as it was, where nothing is planted for it."""
        fields: dict[str, Any] = {}
        for one in self._planted:
            if one.system == entry.system and re.search(one.path or "", entry.path):
                fields |= one.fields
        return _planting(fields, send) if fields else send


def _planting(fields: Mapping[str, Any], send: Send) -> Send:
    """Holds the answer back until it is whole: its length changes with what it says."""
    start: Message = {}
    parts: list[bytes] = []

    async def out(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        body = _planted(b"".join(parts), fields) if start["status"] < _GOOD else b"".join(parts)
        kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        length = [] if len(kept) == len(start["headers"]) else [(b"content-length", str(len(body)).encode())]
        await send({**start, "headers": kept + length})
        await send({"type": "http.response.body", "body": body})

    return out


def _planted(body: bytes, fields: Mapping[str, Any]) -> bytes:
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body  # XML, a page, or nothing
    return msgspec.json.encode(_with(told, fields))


def _with(told: Any, fields: Mapping[str, Any]) -> Any:
    if isinstance(told, dict):
        return {**fields, **{name: _with(inner, fields) for name, inner in told.items()}}
    return [_with(inner, fields) for inner in told] if isinstance(told, list) else told
