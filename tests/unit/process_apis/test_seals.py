"""A seal opens only for its maker, for its purpose, unaltered."""

from __future__ import annotations

import pytest
from msgspec import Struct

from process_apis.seals import SealBroken, Seals


class Fact(Struct, frozen=True):
    said: str


OLD, NEW = "o" * 32, "n" * 32
FACT = Fact("100 on Friday")


def test_what_was_sealed_is_read_back() -> None:
    seals = Seals([NEW])
    assert seals.open("promise", seals.seal("promise", FACT), Fact) == FACT


def test_equal_facts_have_equal_seals() -> None:
    assert Seals([NEW]).seal("version", FACT) == Seals([NEW]).seal("version", FACT)


def test_a_replaced_key_still_opens_what_it_sealed() -> None:
    assert Seals([NEW, OLD]).open("promise", Seals([OLD]).seal("promise", FACT), Fact) == FACT


def test_the_first_key_signs() -> None:
    sealed = Seals([NEW, OLD]).seal("promise", FACT)
    assert Seals([NEW]).open("promise", sealed, Fact) == FACT
    with pytest.raises(SealBroken):
        Seals([OLD]).open("promise", sealed, Fact)


def test_a_promise_is_no_version() -> None:
    seals = Seals([NEW])
    with pytest.raises(SealBroken):
        seals.open("version", seals.seal("promise", FACT), Fact)


@pytest.mark.parametrize(
    "rest", ["", "x", "a.b.c", "e30.e30.", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", "\x00", "y" * 200_000]
)
def test_what_is_no_seal_of_ours_is_broken(rest: str) -> None:
    with pytest.raises(SealBroken):
        Seals([NEW]).open("promise", rest, Fact)


def test_every_altered_character_breaks_a_seal() -> None:
    seals = Seals([NEW])
    sealed = seals.seal("promise", FACT)
    for place in range(0, len(sealed) - 1):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(SealBroken):
            seals.open("promise", sealed[:place] + other + sealed[place + 1 :], Fact)


def test_a_seal_of_another_shape_is_broken() -> None:
    class Other(Struct, frozen=True):
        told: int

    seals = Seals([NEW])
    with pytest.raises(SealBroken):
        seals.open("promise", seals.seal("promise", FACT), Other)


def test_short_keys_and_no_keys_are_refused() -> None:
    for keys in ([], ["short"]):
        with pytest.raises(ValueError, match="key"):
            Seals(keys)
