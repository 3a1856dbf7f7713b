from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.api_keys import Peppers, new_key, read_key
from policies.errors import KeyInvalid

KEY_ID = "key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"
OLD, NEW = "the-old-pepper-of-32-bytes-or-more", "the-new-pepper-of-32-bytes-or-more"


def test_a_key_reads_as_it_was_written() -> None:
    key = new_key("ogtest", KEY_ID)
    text = key.written()
    assert re.fullmatch(r"ogtest_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8_[0-9A-Za-z]{38}", text)
    assert read_key(text, "ogtest") == key


def test_no_two_keys_have_the_same_secret() -> None:
    assert len({new_key("ogtest", KEY_ID).secret for _ in range(100)}) == 100


def test_a_key_shows_its_secret_to_nobody_who_prints_it() -> None:
    key = new_key("ogtest", KEY_ID)
    assert key.secret not in repr(key)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_no_changed_character_gets_past_the_checksum(place: int, other: str) -> None:
    text = new_key("ogtest", KEY_ID).written()
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]
    if changed == text:
        return
    with pytest.raises(KeyInvalid):
        read_key(changed, "ogtest")


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t + "a", lambda t: t[::-1], lambda t: "", str.upper])
def test_a_key_that_is_not_whole_is_none(spoil: object) -> None:
    with pytest.raises(KeyInvalid, match="whole"):
        read_key(spoil(new_key("ogtest", KEY_ID).written()), "ogtest")  # type: ignore[operator]


def test_a_key_of_another_installation_is_told_so() -> None:
    with pytest.raises(KeyInvalid, match="another installation"):
        read_key(new_key("ogate", KEY_ID).written(), "ogtest")


def test_what_is_kept_is_neither_the_key_nor_its_plain_hash() -> None:
    key, peppers = new_key("ogtest", KEY_ID), Peppers([NEW])
    digest = peppers.digest(key, peppers.current)
    assert digest
    assert len(digest) == 64
    assert digest not in {sha256(text.encode()).hexdigest() for text in (key.secret, key.written())}
    assert digest != Peppers([OLD]).digest(key, Peppers([OLD]).current)


def test_a_hash_belongs_to_one_id() -> None:
    """A row that somebody copies over another one opens nothing."""
    key = new_key("ogtest", KEY_ID)
    peppers = Peppers([NEW])
    digest = peppers.digest(key, peppers.current) or ""
    moved = type(key)(key.prefix, "key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q9", key.secret)
    assert peppers.matches(key, digest, peppers.current)
    assert not peppers.matches(moved, digest, peppers.current)


def test_keys_outlive_the_change_of_a_pepper_until_it_is_dropped() -> None:
    key, before = new_key("ogtest", KEY_ID), Peppers([OLD])
    digest = before.digest(key, before.current) or ""
    during, after = Peppers([NEW, OLD]), Peppers([NEW])
    assert during.current != before.current
    assert during.matches(key, digest, before.current)
    assert not during.matches(key, digest, during.current)
    assert not after.matches(key, digest, before.current)


def test_a_short_pepper_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Peppers(["short"])
