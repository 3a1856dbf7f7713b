"""The examination: every rule in order, each with its verdict, and the bench clean afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import httpx
from msgspec import Struct

from system_apis.scheduler.conformance import committing, looking
from system_apis.scheduler.conformance.bench import Bench, Broken, NotAsked

Rule = Callable[[Bench], None]

LOOKING: dict[str, Rule] = {
    "health: it says that it is up": looking.it_is_up,
    "key: without the right key nothing is told": looking.it_wants_its_key,
    "capabilities: it simulates, for this plant": looking.it_says_what_it_can,
    "plan: all answers name one planVersion and horizonEnd": looking.all_speak_of_one_plan,
    "simulate: each requirement has its line": looking.each_requirement_has_its_line,
    "simulate: pieces and unplanned add up": looking.pieces_and_unplanned_add_up,
    "simulate: pieces come in order, within the horizon": looking.pieces_come_in_order_and_within_the_horizon,
    "simulate: what nobody makes is no error": looking.what_nobody_makes_is_no_error,
    "simulate: a scenario reserves nothing": looking.a_scenario_reserves_nothing,
    "simulate: twenty lines take two seconds at most": looking.twenty_lines_take_two_seconds_at_most,
    "refusal: a plant of nobody is not found": looking.a_plant_of_nobody_is_not_found,
    "refusal: what is no JSON": looking.what_is_no_json_is_refused,
    "refusal: a quantity that is a number": looking.a_quantity_is_a_string,
    "refusal: a lineId that is there twice": looking.a_line_id_is_there_once,
    "refusal: more lines than it takes": looking.more_lines_than_it_takes_are_refused,
    "read: an order of nobody holds nothing": looking.an_order_of_nobody_holds_nothing,
    "read: it tells what changed": looking.it_tells_what_changed,
    "discard: a scenario, and again": looking.a_scenario_can_be_discarded,
}
COMMITTING: dict[str, Rule] = {
    "commit: a scenario of nobody is not found": committing.a_scenario_of_nobody_is_not_found,
    "commit: holds what was planned, and the plan moves": committing.a_commit_holds_what_was_planned,
    "commit: what is held can be read": committing.what_is_held_can_be_read,
    "commit: repeated it holds the same": committing.a_repeated_commit_holds_the_same,
    "commit: a stale version is refused": committing.a_stale_version_is_refused,
    "commit: an order does not compete with itself": committing.an_order_does_not_compete_with_itself,
    "commit: capacity is given once": committing.capacity_is_given_once,
    "commit: a change is told": committing.a_change_is_told,
    "release: all can be given back, and again": committing.all_can_be_given_back,
}


class Verdict(Struct, frozen=True):
    """What came of one rule. `broken` says what was expected and what came, `notAsked` why not (in `came`)."""

    rule: str
    outcome: Literal["kept", "broken", "notAsked"]
    expected: str = ""
    came: str = ""


def examine(bench: Bench) -> Iterator[Verdict]:
    """One verdict per rule, as they fall. Scenarios are discarded and commitments given back at the end."""
    try:
        for name, rule in LOOKING.items():
            yield _asked(name, rule, bench)
        for name, rule in COMMITTING.items():
            if bench.commits:
                yield _asked(name, rule, bench)
            else:
                yield Verdict(name, "notAsked", came=committing.ONLY_WITH_COMMIT)
    finally:
        left = bench.clean()
    if bench.references:
        yield _cleaned(left)


def _asked(name: str, rule: Rule, bench: Bench) -> Verdict:
    try:
        rule(bench)
    except Broken as broken:
        return Verdict(name, "broken", broken.expected, broken.came)
    except NotAsked as why:
        return Verdict(name, "notAsked", came=str(why))
    except httpx.HTTPError as failed:
        return Verdict(name, "broken", "an answer", f"{type(failed).__name__}: {failed}")
    return Verdict(name, "kept")


def _cleaned(left: list[str]) -> Verdict:
    name = "clean: nothing of this check is held any more"
    if left:
        return Verdict(name, "broken", "all given back", f"perhaps still held: {', '.join(left)}")
    return Verdict(name, "kept")
