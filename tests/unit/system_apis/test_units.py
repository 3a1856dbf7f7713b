"""Units: translated by the table or refused, never guessed."""

import pytest

from system_apis.sap.units import STANDARD, DeclaredUnit, UnitRedefined, Units, UnitUnknown


@pytest.mark.parametrize(
    ("rec20", "names"),
    [
        ("C62", ("PC", "ST", "PCE")),
        ("KGM", ("KG", "KGM")),
        ("CT", ("CAR", "KAR", "CT")),
        ("MTR", ("M", "MTR")),
        ("LTR", ("L", "LTR")),
    ],
)
def test_every_name_sap_has_for_a_unit_is_understood(rec20: str, names: tuple[str, ...]) -> None:
    assert STANDARD.to_sap(rec20) == names[0]
    assert {STANDARD.from_sap(name) for name in names} == {rec20}


@pytest.mark.parametrize("unit", ["PC", "XYZ", "", "c62"])
def test_a_unit_that_is_not_in_the_table_is_refused(unit: str) -> None:
    with pytest.raises(UnitUnknown, match=r"counterpart|no unit"):
        STANDARD.to_sap(unit)


def test_a_unit_of_sap_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(UnitUnknown):
        STANDARD.from_sap("C62")


def test_an_installation_may_add_units_and_redefine_none() -> None:
    mine = DeclaredUnit("X4C", "Z4C", whole=True)
    units = Units([mine, mine])
    assert (units.to_sap("X4C"), units.from_sap("Z4C"), units.decimals("X4C")) == ("Z4C", "X4C", 0)
    assert (units.to_sap("C62"), units.from_sap("PCE"), units.decimals("C62")) == ("PC", "C62", 0)
    for other in (DeclaredUnit("X4C", "PC"), DeclaredUnit("C62", "Z4C"), DeclaredUnit("KGM", "LB")):
        with pytest.raises(UnitRedefined):
            Units([mine, other])


def test_the_units_of_one_installation_are_nothing_to_another_in_the_same_process() -> None:
    Units([DeclaredUnit("X4C", "Z4C", whole=True)])
    for others in (STANDARD, Units(), Units([DeclaredUnit("X4C", "ZZZ")])):
        with pytest.raises(UnitUnknown):
            others.from_sap("Z4C")
        assert others.decimals("X4C") == 3


def test_what_is_counted_has_no_decimals() -> None:
    assert [STANDARD.decimals(unit) for unit in ("C62", "CT", "KGM", "LTR")] == [0, 0, 3, 3]
