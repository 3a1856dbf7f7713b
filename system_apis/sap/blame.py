"""Which lines SAP will not take: read from the messages of a refused simulation.

SAP refuses the whole document for one bad line. What names the line differs from message to message: the target of the
entry, an item number in its text, or only the material.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from system_apis.sap.complaints import Entry
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
