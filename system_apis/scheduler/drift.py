"""What a scheduler serves today, against what we use of it: its abilities, and its own document where it serves one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from system_apis.drift import Finding
from system_apis.scheduler import wire
from system_apis.scheduler.document import Document, Use
from system_apis.scheduler.members import Difference, fields_of, members, type_of

API_VERSION = "1"
MOST_LINES = 100
"""As many lines as a promise may be asked for."""
ABILITIES = "/v1/capabilities"

USED = (
    Use("get", "/v1/health", reads=wire.Health),
    Use("get", ABILITIES, reads=wire.Capabilities),
    Use("post", "/v1/scenarios", sends=wire.NewScenario, reads=wire.Scenario),
    Use("delete", "/v1/scenarios/{scenarioId}"),
    Use("get", "/v1/orders/{orderReference}/commitments", reads=wire.Commitments),
    Use("put", "/v1/orders/{orderReference}/commitments", sends=wire.Commit, reads=wire.Commitments),
    Use("delete", "/v1/orders/{orderReference}/commitments"),
)


def compare(instance: str, *, able: Any, document: Any, plants: Iterable[str]) -> tuple[Finding, ...]:
    """`able` is the capabilities as JSON, `document` its OpenAPI document or None, `plants` those configured for it."""
    finding = partial(Finding, "scheduler", instance)
    differences = [*_abilities(able, plants)]
    if document is not None:
        differences += Document(document).differences(USED)
    return tuple(finding(*each) for each in differences)


def _abilities(able: Any, plants: Iterable[str]) -> Iterator[Difference]:
    if not isinstance(able, dict):
        yield "wrongType", ABILITIES, None, "The capabilities are no JSON object."
        return
    yield from members(fields_of(wire.Capabilities), {name: type_of(value) for name, value in able.items()}, ABILITIES)
    if isinstance(version := able.get("apiVersion"), str) and version != API_VERSION:
        yield "versionNotServed", ABILITIES, "apiVersion", f"It serves version {version}, we speak {API_VERSION}."
    if able.get("simulate") is False:
        yield "notCallable", "/v1/scenarios", None, "It does not simulate: nothing can be promised from it."
    served = able.get("plants")
    for plant in plants:
        if isinstance(served, list) and plant not in served:
            yield "missing", ABILITIES, "plants", f"The plant {plant} is configured for it, and it plans none such."
    if isinstance(most := able.get("maxLines"), int) and most < MOST_LINES:
        yield "tooShort", ABILITIES, "maxLines", f"It takes {most} lines, and a promise may have {MOST_LINES}."
