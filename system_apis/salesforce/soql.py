"""SOQL written safely. Salesforce has no bind parameters in REST, so that every value is quoted here or not at all."""

from __future__ import annotations

import re
from urllib.parse import quote

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


def query_path(version: str, soql: str) -> str:
    return f"/services/data/{version}/query?q={quote(soql, safe='')}"
