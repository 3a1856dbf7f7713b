"""After the order exists: each line gets its own day, what the ERP does not cover is committed in the plan, and the
plan's days go to the order. Each of these may run twice: the second time finds its work done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.orders.rules import held_back
from process_apis.outages import NotYet, step_deadline
from process_apis.quote_to_order.references import Piece, erp_pieces, total, unconfirmed
from process_apis.stepping import Guard
from process_apis.ways import in_time, way_from
from process_apis.words import bare
from system_apis.errors import NotFoundInSystem, SystemRefused, VersionMoved
from system_apis.sap.client import SapErp
from system_apis.sap.models import ItemChange, Order, OrderItem, OrderPatch
from system_apis.scheduler.models import Commitment, Requirement
from system_apis.scheduler.port import PLAN_MOVED, Scheduler

Change = Callable[[], Awaitable[tuple[Finding, ...]]]


class Scheduled(Struct, frozen=True):
    """What each line gets, from ERP and plan; the day on which the last of its production arrives; what the plan would
    not take, and what the ERP holds back."""

    pieces: dict[str, tuple[Piece, ...]]
    made_by: dict[str, date]
    findings: tuple[Finding, ...] = ()
    held: bool = False


async def request_dates(
    erp: SapErp, number: str, items: Mapping[str, str], wanted: Mapping[str, date], guard: Guard
) -> tuple[Finding, ...]:
    """An order is created with one day for all lines. Here each line asks for its own."""
    days = {items[line]: day for line, day in wanted.items() if line in items}
    return await _move(erp, number, days, lambda _item: True, guard)


async def confirm_dates(
    erp: SapErp, number: str, items: Mapping[str, str], made_by: Mapping[str, date], guard: Guard
) -> tuple[Finding, ...]:
    """Put the plan's day on items of which the ERP confirms nothing.

    An item that is confirmed in part keeps its day: moving it would give up the part that comes in time.
    """
    days = {items[line]: day for line, day in made_by.items() if line in items}
    return await _move(erp, number, days, lambda item: not total(erp_pieces(item.confirmations)), guard)


async def _move(
    erp: SapErp, number: str, days: Mapping[str, date], may_move: Callable[[OrderItem], bool], guard: Guard
) -> tuple[Finding, ...]:
    order = await erp.read_order(number, deadline=step_deadline())
    movable = {item.item: days[item.item] for item in order.items if item.item in days and may_move(item)}
    changes = tuple(
        change for item in order.items if item.item in movable for change in _moves(item, movable[item.item])
    )
    if not changes:
        return ()
    deadline = await guard()
    try:
        await erp.change_order(OrderPatch(order.number, order.etag, changes), deadline=deadline)
    except VersionMoved as moved:
        raise NotYet(erp.instance, "the order was changed meanwhile") from moved
    except SystemRefused as no:
        if not no.final:
            raise
        source = SourceMessage(no.code, no.message)
        detail = "the ERP does not take the days of the lines"
        return (Finding("date-not-feasible", detail, "erp", erp.instance, blocking=False, source=source),)
    return ()


def _moves(item: OrderItem, day: date) -> tuple[ItemChange, ...]:
    """The schedule lines of an item that carry a wish for another day."""
    return tuple(
        ItemChange(item.item, requested_date=day, schedule_line=schedule_line)
        for schedule_line, one in zip(item.schedule_lines, item.confirmations, strict=True)
        if one.ordered > 0 and one.requested_date != day
    )


async def commit_schedule(
    landscape: Landscape,
    erp: SapErp,
    number: str,
    items: Mapping[str, str],
    wanted: Mapping[str, date],
    *,
    guard: Guard,
    clock: Callable[[], datetime],
) -> Scheduled:
    """Commit production for what the order leaves open. Running it again replaces what it committed before.

    `items` are the order's items by line, `wanted` the requested day by line. The plan knows the lines by our ids, and
    finishes before the day of arrival by what picking, packing and the way take: the days here are those of arrival.
    """
    order = await erp.read_order(number, deadline=step_deadline())
    line_of = {item: line for line, item in items.items()}
    pieces = {line_of[item.item]: erp_pieces(item.confirmations) for item in order.items if item.item in line_of}
    committed: list[Commitment] = []
    holds = held_back(order)
    findings = [
        Finding(hold.code, "the ERP holds the delivery of the order back", "erp", erp.instance, blocking=False)
        for hold in holds
    ]
    ship_to, now = bare(order.ship_to or order.sold_to), clock()
    for plant, needs in _needs(order, line_of, wanted).items():
        scheduler = landscape.scheduler_of(plant)
        if scheduler is None:
            continue
        way = way_from(landscape.plants, plant, ship_to, now)
        try:
            held = await _commit(scheduler, plant, in_time(needs, way), number, guard)
        except SystemRefused as no:
            if not no.final:
                raise
            findings.append(_not_planned(scheduler, no))
            continue
        due = {need.line_id: need.due_date for need in needs}
        committed += [replace(one, date=way.arrival_day(one.date, due[one.line_id])) for one in held]
    made_by: dict[str, date] = {}
    for one in committed:
        pieces[one.line_id] += (Piece(one.quantity, one.date, "scheduler"),)
        made_by[one.line_id] = max(one.date, made_by.get(one.line_id, one.date))
    return Scheduled(pieces, made_by, tuple(findings), bool(holds))


def _needs(order: Order, line_of: Mapping[str, str], wanted: Mapping[str, date]) -> dict[str, tuple[Requirement, ...]]:
    needs: dict[str, list[Requirement]] = {}
    for item in order.items:
        missing = unconfirmed(item.quantity, item.confirmations)
        if missing > 0 and item.item in line_of:
            line_id = line_of[item.item]
            need = Requirement(line_id, item.material, missing, item.unit, wanted[line_id])
            needs.setdefault(item.plant, []).append(need)
    return {plant: tuple(ones) for plant, ones in needs.items()}


async def _commit(
    scheduler: Scheduler, plant: str, needs: tuple[Requirement, ...], number: str, guard: Guard
) -> tuple[Commitment, ...]:
    """A fresh scenario each time: the one behind the decision may be old by now, and other orders had their turn."""
    scenario = await scheduler.simulate(plant, needs, order_reference=number, deadline=step_deadline())
    if not any(line.pieces for line in scenario.lines):
        return ()
    deadline = await guard()
    try:
        held = await scheduler.commit(scenario, number, if_version=None, deadline=deadline)
    except (NotFoundInSystem, VersionMoved) as gone:
        raise NotYet(scheduler.instance, str(gone)) from gone
    except SystemRefused as no:
        if no.code != PLAN_MOVED:
            raise
        raise NotYet(scheduler.instance, "the plan moved meanwhile") from no
    asked = {need.line_id for need in needs}
    return tuple(line for line in held.lines if line.line_id in asked)


def _not_planned(scheduler: Scheduler, no: SystemRefused) -> Finding:
    source = SourceMessage(no.code, no.message)
    detail = "the scheduler does not plan what the ERP leaves open"
    return Finding("capacity-conflict", detail, "scheduler", scheduler.instance, blocking=False, source=source)
