"""A second look at lines that came out late, short or refused: substitutes and other plants, where they are allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from policies.access import names_plant
from policies.clients import Client
from process_apis.atp.asking import Case, Group, Hearing, Served, ask_group
from process_apis.atp.facts import Asked, LinePromise, There
from process_apis.atp.models import Allowances, Mode
from process_apis.atp.pieces import total
from process_apis.atp.sources import SourceBook
from process_apis.landscape import Landscape

NOTHING = frozenset({"backordered", "unavailable"})
MOST_PLANTS = 5
"""How many other plants are asked, in the order of their numbers."""


class Look(NamedTuple):
    """What is asked again of one ERP: lines as they would be with another material or at another plant.

    `beside` are lines of the check that get of the same material there already, or of the same plan: work centres make
    more than one material. They are asked along, before the others, so that nothing is offered twice; what is said of
    them a second time is not heard.
    """

    instance: str
    lines: tuple[Asked, ...]
    beside: tuple[Served, ...] = ()

    async def ask(self, hearing: Hearing) -> Group:
        return await ask_group(self.instance, self.lines, hearing, self.beside)


async def look_elsewhere(
    allow: Allowances, client: Client, first: Mapping[str, tuple[Case, LinePromise]], hearing: Hearing, book: SourceBook
) -> dict[str, LinePromise]:
    """The lines that a second look changes, decided anew. Other plants are asked once it is known what the substitutes
    take there."""
    lines = {line_id: promised for line_id, (_, promised) in first.items()}
    found: dict[str, LinePromise] = {}
    if allow.substitutes:
        instead = await _ask_all(_substitutes(lines, hearing.landscape), hearing)
        found = _replaced(lines, instead, hearing, book)
    if allow.alternative_plants:
        lacking: Mode = "atp" if hearing.mode == "atp" else "atpThenCtp"  # elsewhere a scheduler is asked for the rest
        looks = _elsewhere(lines | found, found.keys(), client, hearing.landscape)
        for line_id, facts in _by_line(await _ask_all(looks, hearing._replace(mode=lacking)), book).items():
            case, promised = first[line_id]
            found[line_id] = case.promise(promised.asked, hearing.terms, facts)
    return found


async def _ask_all(looks: Iterable[Look], hearing: Hearing) -> list[Group]:
    async with asyncio.TaskGroup() as looking:
        tasks = [looking.create_task(look.ask(hearing)) for look in looks]
    return [task.result() for task in tasks]


def _substitutes(lines: Mapping[str, LinePromise], landscape: Landscape) -> list[Look]:
    """Where the line as asked is discontinued or gets nothing, the material that may stand in for it."""
    wanted = [
        replace(promised.asked, material=by)
        for promised in lines.values()
        if (promised.status in NOTHING or any(one.code == "item-discontinued" for one in promised.findings))
        and (by := landscape.references.substitute(promised.asked.material))
    ]
    return _looks(wanted, lines, landscape)


def _elsewhere(
    lines: Mapping[str, LinePromise], settled: Container[str], client: Client, landscape: Landscape
) -> list[Look]:
    """For lines that are not all on time, but for those that a substitute has `settled`."""
    short = [one.asked for line_id, one in lines.items() if line_id not in settled and _not_all_on_time(one)]
    plants = [name for name in sorted(landscape.plants) if names_plant(client, name)]
    return [
        look
        for name in plants[: MOST_PLANTS + 1]
        for look in _looks([replace(line, plant=name) for line in short if line.plant != name], lines, landscape)
    ]


def _not_all_on_time(promised: LinePromise) -> bool:
    if promised.status == "rejected" or promised.on_time is None:
        return False
    return promised.on_time < promised.asked.quantity


def _looks(wanted: Iterable[Asked], lines: Mapping[str, LinePromise], landscape: Landscape) -> list[Look]:
    by_erp: dict[str, list[Asked]] = {}
    for line in wanted:
        by_erp.setdefault(landscape.plants[line.plant].erp, []).append(line)
    served = [_served(promised) for promised in lines.values() if promised.confirmed]
    return [Look(instance, tuple(of), _beside(of, served)) for instance, of in by_erp.items()]


def _served(promised: LinePromise) -> Served:
    asked = replace(promised.asked, material=promised.substitute or promised.asked.material)
    return Served(asked, total(piece for piece in promised.schedule if piece.supply == "production"))


def _beside(wanted: Iterable[Asked], served: Iterable[Served]) -> tuple[Served, ...]:
    places = {(line.material, line.plant) for line in wanted}
    plants = {plant for _, plant in places}
    return tuple(
        one
        for one in served
        if (one.asked.material, one.asked.plant) in places or (one.planned and one.asked.plant in plants)
    )


def _replaced(
    lines: Mapping[str, LinePromise], groups: Sequence[Group], hearing: Hearing, book: SourceBook
) -> dict[str, LinePromise]:
    """A substitute counts if something of it is confirmed; else the line stays what it was."""
    found = {}
    for group in groups:
        for case in group.cases(book):
            asked = lines[case.asked.line_id].asked
            promised = case.promise(asked, hearing.terms)
            if promised.confirmed:
                found[asked.line_id] = promised
    return found


def _by_line(groups: Sequence[Group], book: SourceBook) -> dict[str, list[There]]:
    """Only what a plant has itself: what the ERP would bring there from a third one, other lines may have got."""
    facts: dict[str, list[There]] = {}
    for group in groups:
        for case in group.cases(book):
            told, asked = case.erp.line, case.asked
            if told is not None and (told.material, told.plant) == (asked.material, asked.plant):
                facts.setdefault(asked.line_id, []).append(There(case.erp, case.plan))
    return facts
