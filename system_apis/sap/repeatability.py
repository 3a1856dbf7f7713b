"""Repeatable requests of SAP Gateway ("idempotent services"): a create that may be sent twice and is executed once.

The instance's Basis team has to activate it; where they have not, SAP ignores the headers or says `unsupported`. So it
is a second net below the look-up by reference, never the only one, and what SAP answers is kept for who operates it.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime
from typing import Literal

import httpx

from system_apis.sap.models import NewOrder

log = logging.getLogger(__name__)

Support = Literal["off", "untried", "accepted", "unsupported"]
DONE_BEFORE = "/IWBEP/CM_COS/005"
"""The request was executed before and SAP no longer keeps its answer: done, and to be looked up."""
_NAMESPACE = uuid.UUID("6f1d0f0e-3f0b-5d0b-9d53-0d2c6a6f4f11")


class Repeatability:
    """`support` is what the instance said last: `off` if it is not to be asked."""

    def __init__(self, instance: str, *, declared: bool) -> None:
        self._instance = instance
        self.support: Support = "untried" if declared else "off"

    def headers(self, order: NewOrder) -> dict[str, str]:
        """The same RequestID at every attempt, because it follows from instance and reference alone."""
        if self.support == "off":
            return {}
        begun = order.begun_at or datetime.now(UTC)
        return {
            "RequestID": uuid.uuid5(_NAMESPACE, f"{self._instance}\n{order.reference}").hex.upper(),
            "RepeatabilityCreation": f"{begun.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        }

    def note(self, answer: httpx.Response) -> None:
        """Keep what SAP said about it. No word at all is no support either."""
        if self.support == "off" or not answer.is_success:
            return
        said = answer.headers.get("repeatabilityresult", "").strip().lower()
        now: Support = "accepted" if said == "accepted" else "unsupported"
        if now == "unsupported" and self.support != now:
            log.warning("%s is declared repeatable and does not keep requests repeatable (%s)", self._instance, said)
        self.support = now
