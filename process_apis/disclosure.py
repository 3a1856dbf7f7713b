"""What a client may see, said in types: an internal plant id and a public plant name cannot be mixed up.

`internal` sees everything; `partner` sees dates and its own quantities, plants by their public name, and neither
stock levels nor work centres nor instance names. The answers are two types, so nothing has to be filtered afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from policies.clients import Client, Disclosure
from process_apis.exceptions import ExceptionState, ExceptionView, Owner, Remedy, Severity, SourceMessage
from process_apis.landscape import Landscape, Plant
from process_apis.words import Instant, View

PlantId = NewType("PlantId", str)
PublicPlantName = NewType("PublicPlantName", str)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads an answer: how much is disclosed, and what our plants are called outside."""

    disclosure: Disclosure
    plants: Mapping[str, Plant]


def reader_of(client: Client, landscape: Landscape) -> Reader:
    return Reader(client.disclosure, landscape.plants)


UNNAMED_PLANT = PublicPlantName("other plant")


def public_name(plant: str, plants: Mapping[str, Plant]) -> PublicPlantName:
    """A plant that the configuration does not know keeps its id to itself."""
    known = plants.get(plant)
    return PublicPlantName(known.public_name) if known else UNNAMED_PLANT


class DetectedBySystem(View, frozen=True):
    """The kind of system, not which one of them."""

    system: str


class PartnerException(View, frozen=True):
    """An exception as a partner reads it: everything but the name of our instance."""

    exception_id: str
    code: str
    category: str
    severity: Severity
    step: str
    detected_by: DetectedBySystem
    retryable: bool
    blocking: bool
    owner: Owner
    state: ExceptionState
    opened_at: Instant
    due_at: Instant
    correlation_id: str
    detail: str
    line_id: str | None = None
    source_message: SourceMessage | None = None
    remediation: tuple[Remedy, ...] = ()


def for_partner(exception: ExceptionView) -> PartnerException:
    return PartnerException(
        exception_id=exception.exception_id,
        code=exception.code,
        category=exception.category,
        severity=exception.severity,
        step=exception.step,
        detected_by=DetectedBySystem(exception.detected_by.system),
        retryable=exception.retryable,
        blocking=exception.blocking,
        owner=exception.owner,
        state=exception.state,
        opened_at=exception.opened_at,
        due_at=exception.due_at,
        correlation_id=exception.correlation_id,
        detail=exception.detail,
        line_id=exception.line_id,
        source_message=exception.source_message,
        remediation=exception.remediation,
    )
