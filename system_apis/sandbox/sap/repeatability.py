"""SAP Gateway's idempotent services: a change repeated under its RequestID gets the first answer again.

Basis switches them on; a system that has not says `unsupported` and does the work once more. That is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.wire import Answer

_KEPT = timedelta(hours=24)
_STAMP = "%Y%m%d%H%M%S"
_GUID_LENGTH = 32


class Repeatability:
    def __init__(self) -> None:
        self.on = False
        self._answers: dict[str, Answer] = {}

    def once(self, headers: Mapping[str, str], work: Callable[[], Answer]) -> Answer:
        """Does the work, or gives the answer that the RequestID had before. Refused if the stamp is out of date."""
        name = headers.get("requestid", "")
        if not name:
            return work()
        if not self.on:
            answer = work()
            answer.headers["repeatabilityresult"] = "unsupported"
            return answer
        if len(name) != _GUID_LENGTH or _age(headers.get("repeatabilitycreation", "")) > _KEPT:
            raise _outdated(name)
        if name not in self._answers:
            self._answers[name] = work()
        answer = self._answers[name]
        answer.headers["repeatabilityresult"] = "accepted"
        return answer

    def forget(self) -> None:
        self.on = False
        self._answers.clear()


def _age(stamp: str) -> timedelta:
    """Of `YYYYMMDDhhmmss` or an ISO instant; what cannot be read is older than anything."""
    try:
        made = datetime.fromisoformat(stamp) if "-" in stamp else datetime.strptime(stamp[:14], _STAMP)  # noqa: DTZ007
    except ValueError:
        return timedelta.max
    return abs(datetime.now(UTC) - (made if made.tzinfo else made.replace(tzinfo=UTC)))


def _outdated(name: str) -> Refused:
    return refused(400, "/IWBEP/CM_COS/005", f"The request ID '{name}' is outdated")
