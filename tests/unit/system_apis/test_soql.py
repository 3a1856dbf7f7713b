"""SOQL literals: nothing that comes from outside may end the string it stands in."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system_apis.salesforce import soql


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "'plain'"),
        ("O'Neil", "'O\\'Neil'"),
        ("ends in \\", "'ends in \\\\'"),
        ("\\'", "'\\\\\\''"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_a_literal_is_escaped_backslash_first(text: str, written: str) -> None:
    assert soql.literal(text) == written


@given(st.text(alphabet=st.sampled_from("ab\\'\"\n\r\t"), max_size=30))
def test_a_literal_ends_where_its_text_ends(text: str) -> None:
    """Read as Salesforce reads it: a backslash takes the next character along, a bare quote ends the string."""
    written, read, place = soql.literal(text), [], 1
    names = {"n": "\n", "r": "\r", "t": "\t"}
    while written[place] != "'":
        if written[place] == "\\":
            place += 1
            read.append(names.get(written[place], written[place]))
        else:
            read.append(written[place])
        place += 1
    assert (place, "".join(read)) == (len(written) - 1, text)


@pytest.mark.parametrize("ident", ["0Q0000000000001", "0Q0000000000001AAA"])
def test_a_record_id_has_15_or_18_characters(ident: str) -> None:
    assert soql.is_record_id(ident)


@pytest.mark.parametrize(
    "ident", ["", "0Q0", "0Q00000000000011", "0Q000000000000' OR", "0Q0000000000001\n", "0Q0000000000001AÄA"]
)
def test_anything_else_is_no_record_id(ident: str) -> None:
    assert not soql.is_record_id(ident)


def test_a_query_is_escaped_whole() -> None:
    path = soql.query_path("v68.0", "SELECT Id FROM Quote WHERE Name = 'a+b&c'")
    assert path == "/services/data/v68.0/query?q=SELECT%20Id%20FROM%20Quote%20WHERE%20Name%20%3D%20%27a%2Bb%26c%27"


def test_a_query_that_fits_no_address_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="at most"):
        soql.query_path("v68.0", "x" * 16_384)


@given(st.lists(st.text(alphabet=st.sampled_from("ab'\\ä"), max_size=9), max_size=60), st.integers(80, 400))
def test_a_list_is_split_without_loss(values: list[str], room: int) -> None:
    conditions = list(soql.one_of("F", values, room))
    listed = [one.removeprefix("F IN (").removesuffix(")") for one in conditions]
    assert ",".join(listed) == ",".join(map(soql.literal, dict.fromkeys(values)))
    assert all(len(quote(one, safe="")) <= room for one in listed)
