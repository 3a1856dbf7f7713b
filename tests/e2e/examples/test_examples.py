"""What the documents show is what a gateway says today: the same way is gone again, and the same things are said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.cli.pair import running_pair
from app.contract_examples import FOLDER, REQUEST, examples_of
from tests.e2e.examples.journey import travelled
from tests.e2e.examples.notebook import Notebook

ENDS = ("state", "status")
"""How a call ended; how far a 202 is, the clock decides."""


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    with running_pair(tmp_path_factory.mktemp("journey"), free_ports=True) as (sandbox, gateway):
        yield travelled(sandbox, gateway)


def test_the_way_passes_all_that_is_shown_and_nothing_else(today: Notebook) -> None:
    def places(pages: dict[str, Any]) -> set[tuple[str, str, str]]:
        return {(name, part, one) for name, page in pages.items() for part, named in page.items() for one in named}

    shown = {file.stem: examples_of(file.stem) for file in FOLDER.iterdir()}
    assert places(shown) == places(today.pages)


def test_an_answer_of_today_has_the_members_that_are_shown_and_came_to_the_same_end(today: Notebook) -> None:
    for operation_id, page in today.pages.items():
        for part, named in page.items():
            if part == REQUEST:
                continue
            for name, said in named.items():
                shown = examples_of(operation_id)[part][name]["value"]
                place = f"{operation_id} {part} {name}"
                ended = [each for each in ENDS if each in shown and part != "202"]
                ends = [(each, shown[each], said["value"][each]) for each in ended]
                assert all(one == other for _, one, other in ends), (place, ends)
                mine, other = members(shown), members(said["value"])
                differing = {at for at in mine.keys() & other.keys() if mine[at] != other[at]}
                assert not differing, (place, differing)


def members(value: Any, at: str = "#") -> dict[str, set[str]]:
    """The names that stand in the objects at each place, however many there are."""
    found: dict[str, set[str]] = {}
    if isinstance(value, dict):
        found[at] = set(value)
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        for place, names in members(each, f"{at}/{name if isinstance(value, dict) else '*'}").items():
            found.setdefault(place, set()).update(names)
    return found
