"""What a REST resource is asked and what it answers, before and after HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from system_apis.sandbox.salesforce.errors import CrmError, Row


@dataclass(frozen=True)
class Call:
    """`path` is raw, below the version; `body` is decoded JSON, or nothing; header names are lower case."""

    method: str
    version: str
    path: str
    query: dict[str, str]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"

    def values(self) -> Row:
        if not isinstance(self.body, dict):
            raise CrmError(400, "JSON_PARSER_ERROR", "The HTTP entity body is required, and must be a JSON object.")
        return self.body


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError as wrong:
        raise CrmError(400, "JSON_PARSER_ERROR", str(wrong)) from wrong
