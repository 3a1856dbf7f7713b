"""Units: translated by the table or refused, never guessed."""

import pytest

from system_apis.sap.units import UnitUnknown, from_sap, to_sap


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
    assert to_sap(rec20) == names[0]
    assert {from_sap(name) for name in names} == {rec20}


@pytest.mark.parametrize("unit", ["PC", "XYZ", "", "c62"])
def test_a_unit_that_is_not_in_the_table_is_refused(unit: str) -> None:
    with pytest.raises(UnitUnknown, match=r"counterpart|no unit"):
        to_sap(unit)


def test_a_unit_of_sap_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(UnitUnknown):
        from_sap("C62")
