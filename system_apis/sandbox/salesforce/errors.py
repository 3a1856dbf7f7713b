"""How the CRM refuses."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


class CrmError(Exception):
    """One Salesforce error: a code, a sentence, the fields meant (on writes only)."""

    def __init__(self, status: int, code: str, message: str, fields: list[str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields

    def body(self) -> list[dict[str, Any]]:
        named = {} if self.fields is None else {"fields": self.fields}
        return [{"message": self.message, "errorCode": self.code, **named}]


class SeveralMatch(Exception):
    """An external id that more than one row has; nothing was written."""

    def __init__(self, rows: list[Row]) -> None:
        super().__init__(f"{len(rows)} rows match")
        self.rows = rows
