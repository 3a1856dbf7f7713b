"""A second look at lines that came out late, short or refused: substitutes and other plants, where they are allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from policies.access import names_plant
from policies.clients import Client
from process_apis.atp.asking import Case, Group, Hearing, ask_group
from process_apis.atp.facts import Asked, LinePromise, There
from process_apis.atp.models import Allowances, Mode
from process_apis.atp.sources import SourceBook
from process_apis.landscape import Landscape

NOTHING = frozenset({"backordered", "unavailable"})
MOST_PLANTS = 5
"""How many other plants are asked, in the order of their numbers."""


class Look(NamedTuple):
    """What is asked again of one ERP: lines as they would be with another material or at another plant.

    `beside` are lines of the check that get of the same material there already. They are asked along, before the
    others, so that nothing is offered twice; what is said of them a second time is not heard.
    """

    instance: str
    lines: tuple[Asked, ...]
    beside: tuple[Asked, ...] = ()

    async def ask(self, hearing: Hearing) -> Group:
        return await ask_group(self.instance, self.lines, hearing, self.beside)


async def look_elsewhere(
    allow: Allowances, client: Client, first: Mapping[str, tuple[Case, LinePromise]], hearing: Hearing, book: SourceBook
) -> dict[str, LinePromise]:
    """The lines that a second look changes, decided anew. All looks go out at once."""
    instead = _substitutes(first, hearing.landscape) if allow.substitutes else []
    plants = _elsewhere(first, client, hearing.landscape) if allow.alternative_plants else []
    lacking: Mode = "atp" if hearing.mode == "atp" else "atpThenCtp"  # elsewhere a scheduler is asked for the rest
    async with asyncio.TaskGroup() as looking:
        substituted = [looking.create_task(look.ask(hearing)) for look in instead]
        moved = [looking.create_task(look.ask(hearing._replace(mode=lacking))) for look in plants]
    found = _replaced(first, [task.result() for task in substituted], hearing, book)
    others = _by_line([task.result() for task in moved], book)
    for line_id, facts in others.items():
        if line_id not in found:
            case, promised = first[line_id]
            found[line_id] = case.promise(promised.asked, hearing.terms, facts)
    return found


def _substitutes(first: Mapping[str, tuple[Case, LinePromise]], landscape: Landscape) -> list[Look]:
    """Where the line as asked is discontinued or gets nothing, the material that may stand in for it."""
    lines = [
        replace(promised.asked, material=by)
        for _, promised in first.values()
        if (promised.status in NOTHING or any(one.code == "item-discontinued" for one in promised.findings))
        and (by := landscape.references.substitute(promised.asked.material))
    ]
    return _looks(lines, first, landscape)


def _elsewhere(first: Mapping[str, tuple[Case, LinePromise]], client: Client, landscape: Landscape) -> list[Look]:
    short = [promised.asked for _, promised in first.values() if _not_all_on_time(promised)]
    plants = [name for name in sorted(landscape.plants) if names_plant(client, name)]
    return [
        look
        for name in plants[: MOST_PLANTS + 1]
        for look in _looks([replace(line, plant=name) for line in short if line.plant != name], first, landscape)
    ]


def _not_all_on_time(promised: LinePromise) -> bool:
    if promised.status == "rejected" or promised.on_time is None:
        return False
    return promised.on_time < promised.asked.quantity


def _looks(lines: Iterable[Asked], first: Mapping[str, tuple[Case, LinePromise]], landscape: Landscape) -> list[Look]:
    by_erp: dict[str, list[Asked]] = {}
    for line in lines:
        by_erp.setdefault(landscape.plants[line.plant].erp, []).append(line)
    served = [promised.asked for _, promised in first.values() if promised.confirmed]
    return [Look(instance, tuple(of), _beside(of, served)) for instance, of in by_erp.items()]


def _beside(lines: Iterable[Asked], served: Iterable[Asked]) -> tuple[Asked, ...]:
    places = {(line.material, line.plant) for line in lines}
    return tuple(line for line in served if (line.material, line.plant) in places)


def _replaced(
    first: Mapping[str, tuple[Case, LinePromise]], groups: Sequence[Group], hearing: Hearing, book: SourceBook
) -> dict[str, LinePromise]:
    """A substitute counts if something of it is confirmed; else the line stays what it was."""
    found = {}
    for group in groups:
        for case in group.cases(book):
            asked = first[case.asked.line_id][1].asked
            promised = case.promise(asked, hearing.terms)
            if promised.confirmed:
                found[asked.line_id] = promised
    return found


def _by_line(groups: Sequence[Group], book: SourceBook) -> dict[str, list[There]]:
    facts: dict[str, list[There]] = {}
    for group in groups:
        for case in group.cases(book):
            if case.erp.line is not None and case.erp.line.material == case.asked.material:
                facts.setdefault(case.asked.line_id, []).append(There(case.erp, case.plan))
    return facts
