"""The answer to a check: decided lines and heard sources, put together for the client that asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from process_apis.atp.asking import Group
from process_apis.atp.facts import LinePromise
from process_apis.atp.ladder import Errand
from process_apis.atp.models import InternalPromise, PartnerPromise, Promise
from process_apis.atp.rules import answer_status
from process_apis.atp.token import PROMISE, promise_fact
from process_apis.atp.views import internal_line, partner_line
from process_apis.caller import Caller
from process_apis.exceptions import ExceptionView, opened
from process_apis.provenance import AnswerWarning, Source, gap_warnings, internal_source, partner_source
from process_apis.seals import Seals

VALID_FOR = timedelta(minutes=15)
NOT_GIVEN_BACK = "{} did not give back what the order itself holds: lines that are not all on time are unknown"


def compose(
    caller: Caller,
    lines: Sequence[LinePromise],
    sources: list[Source],
    groups: Sequence[Group],
    *,
    errand: Errand,
    seals: Seals,
) -> Promise:
    """`internal` and `partner` are two types: neither is made by leaving something out of the other."""
    now = datetime.now(UTC)
    valid_until = min([now + VALID_FOR, *(at for group in groups if (at := group.plans_expire_at))])
    fact = promise_fact(caller.client.client_id, errand.sold_to, valid_until, lines)
    head: dict[str, Any] = {
        "check_id": fact.check_id,
        "promise_token": seals.seal(PROMISE, fact),
        "status": answer_status(lines, [source.outcome for source in sources]),
        "computed_at": now,
        "valid_until": valid_until,
        "warnings": (*gap_warnings(sources), *_blind_rungs(sources, errand)),
    }
    told = [(line, _exceptions(line, caller, now)) for line in lines]
    if caller.client.disclosure == "internal":
        return InternalPromise(
            **head,
            lines=tuple(internal_line(line, exceptions) for line, exceptions in told),
            sources=tuple(internal_source(source, now) for source in sources),
        )
    return PartnerPromise(
        **head,
        lines=tuple(partner_line(line, exceptions, errand.landscape.plants) for line, exceptions in told),
        sources=tuple(partner_source(source, now) for source in sources),
    )


def _blind_rungs(sources: Sequence[Source], errand: Errand) -> Iterator[AnswerWarning]:
    """What a rung below the simulation, or a plan, could not take into account."""
    order = errand.order
    plans = {errand.landscape.plants[plant].scheduler for plant in order.kept} if order else set()
    for source in sources:
        if source.outcome == "ok" and source.system == "scheduler" and source.instance in plans:
            yield AnswerWarning("order-not-given-back", NOT_GIVEN_BACK.format("the scheduler's plan"), source.id)
        if source.outcome == "ok" and source.rung in ("availability", "stock"):
            text = f"the erp answered by {source.rung}, which knows neither customer nor price nor credit"
            yield AnswerWarning("credit-not-checked", text, source.id)
            if order and order.holds and order.instance == source.instance:
                how = f"the erp, which answered by {source.rung}"
                yield AnswerWarning("order-not-given-back", NOT_GIVEN_BACK.format(how), source.id)


def _exceptions(line: LinePromise, caller: Caller, now: datetime) -> tuple[ExceptionView, ...]:
    return tuple(
        opened(finding, step="availabilityCheck", at=now, correlation_id=caller.correlation_id)
        for finding in line.findings
    )
