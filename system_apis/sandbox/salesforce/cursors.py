"""Query answers in pages: what does not fit waits under a locator, for the outer query and for each inner one."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

_OPTION = re.compile(r"\bbatchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(0r8[A-Za-z0-9]{15})-(\d+)")
_PAGE, _KEPT = 2_000, 200


class Cursors:
    def __init__(self) -> None:
        self._kept: dict[str, tuple[list[dict[str, Any]], int]] = {}
        self._numbers = count(1)

    def first(self, answer: dict[str, Any], base: str, options: str) -> dict[str, Any]:
        """The first page of an answer. Salesforce takes a batchSize of 200 to 2000 as a hint; here any is kept to."""
        wanted = _OPTION.search(options)
        return self._paged(answer, base, max(1, int(wanted[1])) if wanted else _PAGE)

    def next(self, locator: str, base: str) -> dict[str, Any] | None:
        """The page that a locator stands for; nothing if it is malformed, unknown or past the end."""
        found = _LOCATOR.fullmatch(locator)
        if found is None or found[1] not in self._kept or int(found[2]) >= len(self._kept[found[1]][0]):
            return None
        return self._page(found[1], int(found[2]), base)

    def _paged(self, answer: dict[str, Any], base: str, size: int) -> dict[str, Any]:
        records = answer["records"]
        for record in records:
            for name, value in record.items():
                if isinstance(value, dict) and "records" in value:
                    record[name] = self._paged(value, base, size)
        if len(records) <= size:
            return answer
        key = f"0r8Hp{next(self._numbers):010d}AAA"
        self._kept[key] = records, size
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return self._page(key, 0, base)

    def _page(self, key: str, begin: int, base: str) -> dict[str, Any]:
        records, size = self._kept[key]
        end = begin + size
        more = {"nextRecordsUrl": f"{base}/query/{key}-{end}"} if end < len(records) else {}
        return {"totalSize": len(records), "done": not more, **more, "records": records[begin:end]}
