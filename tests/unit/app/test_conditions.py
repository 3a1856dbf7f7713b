"""Headers that make a call conditional or patient."""

from __future__ import annotations

import pytest

from app.conditions import as_etag, not_modified, patience_of, timeout_of
from app.errors import ParameterMalformed


@pytest.mark.parametrize(
    ("header", "etag", "same"),
    [
        ('"a"', '"a"', True),
        ('W/"a"', '"a"', True),
        ('"b", W/"a"', '"a"', True),
        ("*", '"a"', True),
        ('"a,b"', '"a"', False),
        ("a", '"a"', False),
        ("", '"a"', False),
    ],
)
def test_if_none_match_compares_weakly(header: str, etag: str, same: bool) -> None:
    assert not_modified(header, etag) is same


def test_a_bare_version_is_quoted_once() -> None:
    assert (as_etag("v1"), as_etag('"v1"'), as_etag('W/"v1"')) == ('"v1"', '"v1"', 'W/"v1"')


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ('Wait = "7"; foo', 7),
        ("wait=99999", 30),
        ("respond-async", None),
        ("wait=-1", None),
        ("nowait=5", None),
        ("wait=1.5", None),
        ("", None),
    ],
)
def test_patience_is_read_or_ignored(prefer: str, seconds: float | None) -> None:
    assert patience_of(prefer) == seconds


def test_a_timeout_is_bounded() -> None:
    assert (timeout_of(""), timeout_of("250")) == (None, 0.25)
    padded = "000000100"  # nine digits that are in bounds, before as many more as one likes
    for wrong in ("99", "30001", "1e3", "-5", "²", "9" * 400, padded + "0", padded + "0" * 400, padded + "0" * 5000):
        with pytest.raises(ParameterMalformed):
            timeout_of(wrong)
