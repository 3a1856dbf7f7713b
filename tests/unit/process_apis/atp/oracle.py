"""The rules of docs/promising.md calculated a second time, from the page, as slowly and plainly as it says them.

Nothing of the product is used here. Days are walked one by one, stock is a row of numbers by day, fractions stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from tests.unit.process_apis.atp.worlds import BASES, RATIOS, TODAY, Calendar, Line, Plant, World

DAY = timedelta(days=1)
LAST = TODAY + timedelta(days=60)
"""No receipt comes, and nothing is due, after this day."""
LOWER = {"high": "medium", "medium": "low", "low": "low"}


@dataclass(frozen=True)
class Part:
    quantity: Fraction
    arrives: date
    leaves: date | None
    supply: str
    firmness: str = ""
    confidence: str = ""
    plant: str = "P1"


@dataclass(frozen=True)
class Verdict:
    status: str
    confirmed: Fraction | None
    on_time: Fraction | None
    schedule: tuple[Part, ...]
    alternatives: tuple[tuple[str, str, tuple[Part, ...]], ...] = ()
    factors: tuple[str, ...] = ()


# §3 days
def works(calendar: Calendar, day: date) -> bool:
    return day.weekday() in calendar.weekdays and day not in calendar.holidays


def way(calendar: Calendar, there: date) -> tuple[date, date]:
    """When goods that are there on a day leave and arrive."""
    day = there
    while not works(calendar, day):
        day += DAY
    for _ in range(calendar.pick_pack):
        day += DAY
        while not works(calendar, day):
            day += DAY
    return day, day + timedelta(days=calendar.transit)


def last_leaving(calendar: Calendar, arrival: date) -> date:
    day = arrival - timedelta(days=calendar.transit)
    while not works(calendar, day):
        day -= DAY
    return day


def arriving(calendar: Calendar | None, there: date, due: date) -> tuple[date | None, date]:
    if calendar is None:
        return None, max(there, due)
    leaves, arrives = way(calendar, there)
    return (last_leaving(calendar, due), due) if arrives <= due else (leaves, arrives)


def last_in_time(calendar: Calendar | None, due: date) -> date:
    if calendar is None:
        return due
    day = due
    while way(calendar, day)[1] > due:
        day -= DAY
    return day


# §4 units
def fraction(world: World, line: Line, unit: str) -> Fraction | None:
    """Base units in one of the line's, for an answer in `unit`."""
    if line.unit == unit:
        return Fraction(1)
    if line.material not in world.masters or BASES[line.material] != unit or line.unit not in RATIOS[line.material]:
        return None
    numerator, denominator = RATIOS[line.material][line.unit]
    return Fraction(numerator, denominator)


def needed(quantity: Fraction, per: Fraction, *, same: bool) -> Fraction:
    return quantity if same else Fraction(ceil(quantity * per * 1000), 1000)


def back(total: Fraction, per: Fraction, line: Line, *, same: bool) -> Fraction:
    if same:
        return total
    steps = 1 if line.unit in ("C62", "CT") else 1000
    return Fraction(floor(total / per * steps), steps)


def turned(
    parts: list[tuple[date, Fraction, str]], per: Fraction, line: Line, unit: str
) -> list[tuple[date, Fraction, str]]:
    """The sum is turned back and rounded; what a part adds to the rounded sum is that part's."""
    total, said, found = Fraction(0), Fraction(0), []
    for day, quantity, supply in parts:
        total += quantity
        now = back(total, per, line, same=line.unit == unit)
        if now > said:
            found.append((day, now - said, supply))
        said = now
    return found


# §5 supply
def from_erp(world: World, plant: Plant, name: str) -> dict[int, list[Part] | None]:
    """Parts by line; None where the ERP is silent or cannot be understood."""
    if world.silent and name == "P1":
        return dict.fromkeys(range(len(world.lines)))
    found: dict[int, list[Part] | None] = {}
    rows: dict[str, dict[date, Fraction]] = {}
    for place, line in enumerate(world.lines):
        if world.rung == "simulation":
            found[place] = [
                _sure(world, _confirmed(plant, line, day, quantity), name)
                for day, quantity in plant.confirmations[place]
                if quantity > 0
            ]
            continue
        unit = BASES[line.material]
        per = fraction(world, line, unit)
        if line.material not in plant.levels or (place in world.refused and name == "P1"):
            found[place] = None
            continue
        if per is None:
            found[place] = None
            continue
        row = rows.setdefault(line.material, _row(world, plant.levels[line.material]))
        wanted = needed(Fraction(line.quantity), per, same=line.unit == unit)
        taken = _taken(row, wanted, max(last_in_time(plant.calendar, line.due), TODAY))
        found[place] = []
        for day, quantity, supply in turned(taken, per, line, unit):
            leaves, arrives = arriving(plant.calendar, day, line.due)
            found[place].append(_sure(world, Part(quantity, arrives, leaves, supply), name))  # type: ignore[union-attr]
    return found


def _confirmed(plant: Plant, line: Line, day: date, quantity: Decimal) -> Part:
    leaves = last_leaving(plant.calendar, day) if plant.calendar else None
    supply = "onHand" if day <= line.due else "inbound"
    return Part(Fraction(quantity), day, leaves if leaves and leaves >= TODAY else None, supply)


def _sure(world: World, part: Part, name: str) -> Part:
    sure = "low" if world.rung == "stock" else "high" if part.supply == "onHand" else "medium"
    firm = "estimated" if world.rung == "stock" else "unreserved"
    sure = LOWER[sure] if world.kept else sure
    return Part(part.quantity, part.arrives, part.leaves, part.supply, firm, sure, name)


def _row(world: World, levels: list[tuple[date, Decimal]]) -> dict[date, Fraction]:
    """How much there is, day by day."""
    steps = dict(levels if world.rung == "availability" else [(TODAY, levels[0][1])])
    row, level, day = {}, Fraction(0), TODAY
    while day <= LAST:
        level = Fraction(steps.get(day, level))
        row[day] = level
        day += DAY
    return row


def _taken(row: dict[date, Fraction], wanted: Fraction, first: date) -> list[tuple[date, Fraction, str]]:
    at_hand = max(Fraction(0), min(row.values()))
    found = []
    day = first
    while day <= LAST and wanted > 0:
        free = max(Fraction(0), min(left for when, left in row.items() if when >= day))
        part = min(wanted, free)
        if part > 0:
            for when in row:
                if when >= day:
                    row[when] -= part
            own = min(part, at_hand) if day == first else Fraction(0)
            found += [(day, own, "onHand"), (day, part - own, "inbound")]
            wanted -= part
        day += DAY
    return [one for one in found if one[1] > 0]


# §2 and §5 the scheduler
def from_scheduler(world: World, erp: dict[int, list[Part] | None]) -> dict[int, list[Part] | str]:
    """Parts by line, or `silent`; a line that is not there was rightly not asked about."""
    if world.scheduler == "none" or world.mode == "atp":
        return {}
    found: dict[int, list[Part] | str] = {}
    left = {name: [[day, Fraction(quantity)] for day, quantity in days] for name, days in world.capacity.items()}
    wants = {place: _short(world, erp, place) for place in range(len(world.lines))}
    asked = {place: want for place, want in wants.items() if want}
    refused = _refused_units(world, asked)
    for place, want in wants.items():
        line = world.lines[place]
        if want is None:
            found[place] = "silent"
        if place not in asked:
            continue
        unit, known = _planned_in(world, line)
        if world.scheduler in ("silent", "strange") or (unit, known) in refused:
            found[place] = "silent"
            continue
        per = fraction(world, line, unit)
        assert per is not None
        made = _made(left[world.made_at[line.material]], needed(asked[place], per, same=line.unit == unit))
        found[place] = []
        for day, quantity, supply in turned(made, per, line, unit):
            leaves, arrives = arriving(world.plant.calendar, day, line.due)
            sure = LOWER["medium"] if world.kept else "medium"
            found[place].append(Part(quantity, arrives, leaves, supply, "simulated", sure))  # type: ignore[union-attr]
    return found


def _planned_in(world: World, line: Line) -> tuple[str, bool]:
    """The unit that a scheduler is asked in, and whether it is known to be the base unit."""
    known = line.material in world.masters and fraction(world, line, BASES[line.material]) is not None
    return (BASES[line.material] if known else line.unit), known


def _refused_units(world: World, asked: dict[int, Fraction]) -> set[tuple[str, bool]]:
    """A unit is refused with all the lines that are asked in it."""
    lines = [world.lines[place] for place in asked]
    return {_planned_in(world, line) for line in lines if _planned_in(world, line)[0] != BASES[line.material]}


def _short(world: World, erp: dict[int, list[Part] | None], place: int) -> Fraction | None:
    """How much the scheduler is asked for; None if that is not known."""
    if world.mode == "ctp":
        return Fraction(world.lines[place].quantity)
    if world.silent:
        return None
    if place in world.refused or place in world.instead:
        return Fraction(0)
    parts = erp[place]
    if parts is None:
        line = world.lines[place]
        absent = world.rung != "simulation" and line.material not in world.plant.levels
        return None if absent else Fraction(0)
    return max(Fraction(0), Fraction(world.lines[place].quantity) - sum(part.quantity for part in parts))


def _made(left: list[list], wanted: Fraction) -> list[tuple[date, Fraction, str]]:
    found = []
    for slot in left:
        part = min(wanted, slot[1])
        if part > 0:
            slot[1] -= part
            wanted -= part
            found.append((slot[0], part, "production"))
    return found


# §6 to §9
def judge(world: World) -> list[Verdict]:
    erp = from_erp(world, world.plant, "P1")
    plans = from_scheduler(world, erp)
    elsewhere = from_erp(world, world.other, "P2") if world.other else {}
    return [
        _line(
            world,
            place,
            erp[place],
            None if place in world.instead and not world.silent else plans.get(place),
            elsewhere.get(place),
        )
        for place in range(len(world.lines))
    ]


def _line(
    world: World, place: int, erp: list[Part] | None, plan: list[Part] | str | None, elsewhere: list[Part] | None
) -> Verdict:
    line = world.lines[place]
    wanted = Fraction(line.quantity)
    if place in world.refused and not world.silent:
        return Verdict("rejected", Fraction(0), Fraction(0), ())
    parts = (erp or []) + (plan if isinstance(plan, list) else [])
    offered = _cut(sorted(parts, key=lambda part: (part.arrives, part.supply == "production")), wanted)
    covered = _sum(offered)
    if erp is None or (covered < wanted and plan == "silent"):
        return Verdict("unknown", None, None, offered)
    kept_back = world.rung != "simulation" and line.material in world.held
    if isinstance(plan, list) and world.plan_keeps:
        kept_back = True
    if kept_back and _sum(part for part in offered if part.arrives <= line.due) < wanted:
        return Verdict("unknown", None, None, offered)
    if place in world.instead and not world.substitutes:
        return Verdict("unavailable", Fraction(0), Fraction(0), ())
    kept = _kept(world, line, offered)
    guess = _guess(world, place, erp, plan, offered, kept)
    confirmed = _sum(kept)
    on_time = _sum(part for part in kept if part.arrives <= line.due)
    return Verdict(
        _status(world, place, confirmed, on_time, wanted, guess),
        confirmed,
        on_time,
        (*kept, *guess),
        () if on_time >= wanted else tuple(_alternatives(line, wanted, offered, kept, elsewhere)),
        () if on_time >= wanted else tuple(_factors(world, line, wanted, erp, plan)),
    )


def _cut(parts: list[Part], wanted: Fraction) -> tuple[Part, ...]:
    found = []
    for part in parts:
        quantity = min(wanted, part.quantity)
        wanted -= quantity
        if quantity > 0:
            found.append(_with(part, quantity=quantity))
    return tuple(found)


def _with(part: Part, **new: object) -> Part:
    return Part(**{**part.__dict__, **new})  # type: ignore[arg-type]


def _sum(parts) -> Fraction:
    return sum((part.quantity for part in parts), Fraction(0))


def _all_on_the_last(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if not parts:
        return ()
    latest = max(part.arrives for part in parts)
    leaves = next(part.leaves for part in parts if part.arrives == latest)
    return tuple(_with(part, arrives=latest, leaves=leaves) for part in parts)


def _kept(world: World, line: Line, offered: tuple[Part, ...]) -> tuple[Part, ...]:
    if world.rule == "complete":
        return _all_on_the_last(offered) if _sum(offered) >= Fraction(line.quantity) else ()
    if world.rule == "oneTime":
        return _all_on_the_last(tuple(part for part in offered if part.arrives <= line.due))
    return offered if world.split_dates else _all_on_the_last(offered)


def _guess(world, place, erp, plan, offered, kept) -> tuple[Part, ...]:  # noqa: PLR0917
    line = world.lines[place]
    wanted = Fraction(line.quantity)
    days = world.masters.get(line.material, 0)
    uncovered = wanted - _sum(erp)
    if plan is not None or place in world.instead or days <= 0 or uncovered <= 0 or world.rule == "oneTime":
        return ()
    if world.rule == "proposal" and not world.split_dates and kept:
        return ()
    calendar, there = world.plant.calendar, TODAY
    if calendar is None:
        there += timedelta(days=days)
    else:
        while not works(calendar, there):
            there += DAY
        for _ in range(days):
            there += DAY
            while not works(calendar, there):
                there += DAY
    leaves, arrives = arriving(calendar, there, line.due)
    quantity = wanted - _sum(offered)
    if world.rule == "complete":
        quantity = wanted
        for part in offered:
            if part.arrives > arrives:
                leaves, arrives = part.leaves, part.arrives
    return (Part(quantity, arrives, leaves, "leadTime", "estimated", "low"),)


def _status(world, place, confirmed, on_time, wanted, guess) -> str:  # noqa: PLR0917
    if confirmed == 0:
        return "backordered" if guess else "unavailable"
    if world.credit_blocked:
        return "datePending"
    if place in world.instead:
        return "substituted"
    if confirmed < wanted:
        return "partiallyConfirmed"
    return "confirmed" if on_time == wanted else "confirmedLate"


def _alternatives(line, wanted, offered, kept, elsewhere) -> list[tuple[str, str, tuple[Part, ...]]]:
    found = []
    if offered and _by_day(kept) != _by_day(offered):
        found.append(("split", "P1", offered))
    joined = _all_on_the_last(offered)
    if len(_by_day(offered)) > 1 and _sum(offered) >= wanted and _by_day(kept) != _by_day(joined):
        found.append(("laterDate", "P1", joined))
    there = _cut(sorted(elsewhere or [], key=lambda part: part.arrives), wanted)
    more = _sum(there) > _sum(kept)
    sooner = there and kept and _sum(there) == _sum(kept) and _last(there) < _last(kept)
    if there and (more or sooner):
        found.append(("alternativePlant", "P2", there))
    return sorted(found, key=lambda one: (-_sum(one[2]), _last(one[2]), len(_by_day(one[2])), one[1]))


def _last(parts) -> date:
    return max(part.arrives for part in parts)


def _by_day(parts) -> dict[date, Fraction]:
    days: dict[date, Fraction] = {}
    for part in parts:
        days[part.arrives] = days.get(part.arrives, Fraction(0)) + part.quantity
    return days


def _factors(world, line, wanted, erp, plan) -> list[str]:
    stock = _sum(part for part in erp if part.arrives <= line.due)
    found = ["material"] if stock < wanted else []
    return [*found, "capacity"] if isinstance(plan, list) else found
