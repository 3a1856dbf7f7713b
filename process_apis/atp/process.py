"""An availability check: the ERPs and schedulers are asked side by side, then `rules` decides what can be promised."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf

from process_apis.atp.answer import compose
from process_apis.atp.asking import Group, Hearing, ask_group
from process_apis.atp.checks import check_request, customer_of, granted, resolve
from process_apis.atp.facts import Asked, Terms
from process_apis.atp.inquiries import BROWSE_KEPT_S, Inquiries
from process_apis.atp.ladder import Errand
from process_apis.atp.models import AtpCheckRequest, Promise
from process_apis.atp.otherwise import look_elsewhere
from process_apis.atp.own_order import own_order
from process_apis.atp.parties import ship_to_of
from process_apis.atp.shared_reads import Freshness
from process_apis.atp.sources import SourceBook
from process_apis.caller import Caller
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from process_apis.seals import Seals
from system_apis.sap.models import SalesArea


async def check_availability(
    caller: Caller, request: AtpCheckRequest, *, landscape: Landscape, seals: Seals, inquiries: Inquiries
) -> Promise:
    """What can be promised for the lines. Raises RequestFaulty, NotVisible, or NoSourceAnswered if all are silent."""
    request = granted(caller.client, request, landscape)
    check_request(request, landscape)
    errand = await _delivered(request, _errand(caller, request, landscape, inquiries))
    asked = resolve(request, landscape, errand.ship_to)
    own = await own_order(caller.client, request, asked, errand.sold_to, landscape=landscape, until=errand.deadline)
    terms = Terms(request.confirmation_rule, request.allow.split_dates, request.allow.substitutes)
    hearing = Hearing(request.mode, terms, errand._replace(order=own))
    groups = await _ask_all(asked, hearing)
    if not any(group.answered for group in groups):
        raise NoSourceAnswered(tuple(dict.fromkeys(group.instance for group in groups)))
    book = SourceBook()
    cases = [case for group in groups for case in group.cases(book)]
    first = {case.asked.line_id: (case, case.promise(case.asked, terms)) for case in cases}
    changed = await look_elsewhere(request.allow, caller.client, first, hearing, book)
    lines = [changed.get(line.line_id, first[line.line_id][1]) for line in asked]
    return compose(caller, lines, book.sources, groups, errand=hearing.errand, seals=seals)


async def _delivered(request: AtpCheckRequest, errand: Errand) -> Errand:
    """The errand with the party that the goods go to."""
    erps = (errand.landscape.plants[line.plant or ""].erp for line in request.lines)
    ship_to = await ship_to_of(
        request,
        errand.sold_to,
        errand.area,
        erps=erps,
        landscape=errand.landscape,
        inquiries=errand.inquiries,
        deadline=errand.deadline,
    )
    return errand._replace(ship_to=ship_to)


async def _ask_all(asked: Sequence[Asked], hearing: Hearing) -> list[Group]:
    """Each ERP instance with the schedulers of its plants: one slow instance costs the others no time."""
    by_erp: dict[str, list[Asked]] = {}
    for line in asked:
        by_erp.setdefault(hearing.landscape.plants[line.plant].erp, []).append(line)
    async with asyncio.TaskGroup() as instances:
        groups = [instances.create_task(ask_group(erp, lines, hearing)) for erp, lines in by_erp.items()]
    return [group.result() for group in groups]


def _errand(caller: Caller, request: AtpCheckRequest, landscape: Landscape, inquiries: Inquiries) -> Errand:
    area, wanted = landscape.sales_area, request.sales_area
    if wanted:
        area = SalesArea(wanted.sales_organization, wanted.distribution_channel, wanted.division)
    return Errand(
        customer_of(request, landscape),
        area,
        request.purpose,
        _freshness(request),
        caller.deadline.sooner(request.deadline_ms / 1000),
        landscape,
        inquiries,
    )


def _freshness(request: AtpCheckRequest) -> Freshness:
    """Only `browse` is answered from what was read before. The oldest answer that is good enough is also the oldest
    question under way that may be joined."""
    most = inf if request.max_staleness_seconds is None else float(request.max_staleness_seconds)
    return Freshness(min(BROWSE_KEPT_S, most) if request.purpose == "browse" else 0.0, most)
