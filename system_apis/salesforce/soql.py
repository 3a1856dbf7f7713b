"""SOQL written safely. Salesforce has no bind parameters in REST, so that every value is quoted here or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

LONGEST_URI = 12_288
"""Salesforce takes 16,384 bytes of address and headers together; a quarter is kept for the headers (token, trail)."""
ROOM_OF_A_LIST = 8_192

_RECORD_ID = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\Z")
# The backslash first: escaped last, it would undo the escapes of the others.
_ESCAPES = (
    ("\\", "\\\\"),
    ("'", "\\'"),
    ('"', '\\"'),
    ("\n", "\\n"),
    ("\r", "\\r"),
    ("\t", "\\t"),
    ("\b", "\\b"),
    ("\f", "\\f"),
)


def is_record_id(text: str) -> bool:
    """Whether this could be a record id: 15 characters, or 18 with the check of upper and lower case."""
    return _RECORD_ID.match(text) is not None


def literal(text: str) -> str:
    """A SOQL string literal, quotes included."""
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return f"'{text}'"


def one_of(field: str, values: Sequence[str], room: int = ROOM_OF_A_LIST) -> Iterator[str]:
    """`field IN (…)`, as many conditions as it takes to keep each below `room` bytes in an address."""
    listed: list[str] = []
    taken = 0
    for value in map(literal, dict.fromkeys(values)):
        size = len(quote(f",{value}", safe=""))
        if listed and taken + size > room:
            yield f"{field} IN ({','.join(listed)})"
            listed, taken = [], 0
        listed.append(value)
        taken += size
    if listed:
        yield f"{field} IN ({','.join(listed)})"


def query_path(version: str, soql: str) -> str:
    """The address of a query. Too long a one is a mistake of ours: lists are split by `one_of`."""
    path = f"/services/data/{version}/query?q={quote(soql, safe='')}"
    if len(path) > LONGEST_URI:
        raise ValueError(f"a query of {len(path)} bytes, at most {LONGEST_URI}")
    return path
