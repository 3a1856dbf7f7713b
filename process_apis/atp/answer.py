"""The answer to a check: decided lines and heard sources, put together for the client that asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from process_apis.atp.facts import LinePromise
from process_apis.atp.models import InternalPromise, PartnerPromise, Promise
from process_apis.atp.rules import answer_status
from process_apis.atp.sources import Facts
from process_apis.atp.token import PROMISE, promise_fact
from process_apis.atp.views import internal_line, partner_line
from process_apis.caller import Caller
from process_apis.exceptions import ExceptionView, opened
from process_apis.landscape import Plant
from process_apis.provenance import gap_warnings, internal_source, partner_source
from process_apis.seals import Seals

VALID_FOR = timedelta(minutes=15)


def compose(
    caller: Caller,
    lines: Sequence[LinePromise],
    facts: Facts,
    *,
    sold_to: str,
    plants: Mapping[str, Plant],
    seals: Seals,
) -> Promise:
    """`internal` and `partner` are two types: neither is made by leaving something out of the other."""
    now = datetime.now(UTC)
    valid_until = min(now + VALID_FOR, facts.plans_expire_at or now + VALID_FOR)
    fact = promise_fact(caller.client.client_id, sold_to, valid_until, lines)
    head: dict[str, Any] = {
        "check_id": fact.check_id,
        "promise_token": seals.seal(PROMISE, fact),
        "status": answer_status(lines, [source.outcome for source in facts.sources]),
        "computed_at": now,
        "valid_until": valid_until,
        "warnings": gap_warnings(facts.sources),
    }
    told = [(line, _exceptions(line, caller, now)) for line in lines]
    if caller.client.disclosure == "internal":
        return InternalPromise(
            **head,
            lines=tuple(internal_line(line, exceptions) for line, exceptions in told),
            sources=tuple(internal_source(source, now) for source in facts.sources),
        )
    return PartnerPromise(
        **head,
        lines=tuple(partner_line(line, exceptions, plants) for line, exceptions in told),
        sources=tuple(partner_source(source, now) for source in facts.sources),
    )


def _exceptions(line: LinePromise, caller: Caller, now: datetime) -> tuple[ExceptionView, ...]:
    return tuple(
        opened(finding, step="availabilityCheck", at=now, correlation_id=caller.correlation_id)
        for finding in line.findings
    )
