"""Plans read from the configuration: their rates made numbers, their operations found among the routes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from limits import parse_many

from app.plan_entries import AllowanceEntry, PlanEntry
from app.world import World
from policies.plans import Allowance, Plan

USUAL_LIMIT = "600 per 1 minute"


def faults(world: World) -> Iterable[str]:
    """Everything about limits that cannot be right, each in one sentence."""
    for name in ("failed_logins", "knocks", "knocks_per_key"):
        if not _is_one_rate(notation := getattr(world.limits, name)):
            yield f"limits.{name} is {notation!r}, which is not like '600 per 1 minute'"
    for name, entry in world.plans.items():
        for of, each in {f"the plan {name}": entry, **_operations_of(name, entry)}.items():
            for rate, notation in each.rates().items():
                if not _is_one_rate(notation):
                    yield f"{of} has the {rate} rate {notation!r}, which is not like '600 per 1 minute'"
        for unknown in sorted(entry.operations.keys() - _calls()) if entry.operations else ():
            close = difflib.get_close_matches(unknown, _calls(), n=1)
            hint = f"did you mean {close[0]}?" if close else "operationIds stand in openapi/"
            yield f"the plan {name} names the operation {unknown}, which is none; {hint}"
    for client in world.clients:
        if client.plan and client.plan not in world.plans:
            yield f"the client {client.client_id} names the plan {client.plan}, which is not configured"
        if client.plan and client.limit != USUAL_LIMIT:
            yield f"the client {client.client_id} has a plan and a limit: it is one or the other"
        if not _is_readable(client.limit):
            yield f"the client {client.client_id} has the limit {client.limit!r}, which is not like '600 per 1 minute'"


def read(entries: Mapping[str, PlanEntry]) -> dict[str, Plan]:
    """The plans that `faults` found nothing wrong with."""
    calls = _calls() if any(entry.operations for entry in entries.values()) else {}

    def further(entry: PlanEntry) -> dict[str, Allowance]:
        return {calls[name]: each.read(prefix=f"{name}-") for name, each in entry.operations.items()}

    return {name: Plan(entry.read(), further(entry)) for name, entry in entries.items()}


def _operations_of(name: str, entry: PlanEntry) -> dict[str, AllowanceEntry]:
    return {f"the plan {name} for {operation}": each for operation, each in entry.operations.items()}


def _calls() -> dict[str, str]:
    """What each operationId is to the policies: method and route template. The routes bring all processes along, and
    are read only where somebody limits single operations."""
    from app.internal_routes import INTERNAL  # noqa: PLC0415
    from app.routes import PUBLIC  # noqa: PLC0415

    return {route.operation_id: f"{route.method} {route.path}" for route in (*PUBLIC, *INTERNAL)}


def _is_one_rate(notation: str) -> bool:
    return _is_readable(notation) and len(parse_many(notation)) == 1


def _is_readable(notation: str) -> bool:
    try:
        return bool(parse_many(notation))
    except ValueError:
        return False
