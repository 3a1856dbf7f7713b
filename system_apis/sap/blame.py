"""Which lines SAP will not take: read from the messages of a refused simulation or changeset.

SAP refuses the whole document for one bad line. What names the line differs from message to message: the target of the
entry, an item number in its text, or only the material.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from system_apis.sap.batch import Part
from system_apis.sap.complaints import Complaint, Entry
from system_apis.sap.models import Demand, SourceMessage
from system_apis.sap.odata import stripped

_IN_TARGET = re.compile(r"(?:SalesOrderItem=|to_Item\()'?0*(\d{1,6})'?")
_IN_TEXT = re.compile(r"\bitem\s+0*(\d{1,6})\b", re.IGNORECASE)


def blamed(entries: Iterable[Entry], items: Mapping[str, Demand]) -> dict[str, SourceMessage]:
    """The refused items by number, each with the first message that names it. Empty if no entry names any."""
    found: dict[str, SourceMessage] = {}
    for entry in entries:
        if entry.severity != "error" or not entry.code:
            continue
        for number in _named(entry, items):
            found.setdefault(number, SourceMessage(entry.code, entry.message))
    return found


def culprit(said: Complaint, parts: Sequence[Part]) -> int | None:
    """The part of a rolled back changeset that SAP would not take, from 0: by the Content-ID it repeats, else the
    first part that addresses the item its message names, else the new item of the material it names. None where it
    says none of it."""
    errors = [entry for entry in said.entries if entry.severity == "error"]
    for entry in errors:
        if entry.content_id.isascii() and entry.content_id.isdigit() and 0 < int(entry.content_id) <= len(parts):
            return int(entry.content_id) - 1
    for entry in errors:
        named = [*_IN_TARGET.findall(entry.target), *_IN_TEXT.findall(entry.message)]
        for place, part in enumerate(parts):
            if any(item in named for item in _IN_TARGET.findall(part.path)) or _mentions(
                entry.message, _material(part)
            ):
                return place
    return None


def _material(part: Part) -> str:
    return msgspec.json.decode(part.body, type=_NewItem).material if part.method == "POST" else ""


class _NewItem(Struct, frozen=True):
    material: str = field(name="Material", default="")


def _named(entry: Entry, items: Mapping[str, Demand]) -> list[str]:
    for place in (entry.target, entry.propertyref):
        numbers = [stripped(number) for number in _IN_TARGET.findall(place)]
        if any(number in items for number in numbers):
            return [number for number in numbers if number in items]
    numbers = [stripped(number) for number in _IN_TEXT.findall(entry.message)]
    if any(number in items for number in numbers):
        return [number for number in numbers if number in items]
    return [number for number, line in items.items() if _mentions(entry.message, line.material)]


def _mentions(text: str, material: str) -> bool:
    """The material as a word of its own: TG1 is not mentioned by a text about TG14 or TG1-A."""
    return bool(material) and re.search(rf"(?<![\w-]){re.escape(material)}(?![\w-])", text) is not None
