"""A promise proves what was promised, sealed by us and for a while; its size stays that of its lines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from process_apis.atp.facts import Asked, LinePromise, Piece
from process_apis.atp.token import EVIDENCE_FOR, PROMISE, PromisedPiece, PromiseFact, open_evidence, promise_fact
from process_apis.seals import SealBroken, Seals

DUE = date(2030, 6, 10)
VALID_UNTIL = datetime(2030, 6, 1, 12, tzinfo=UTC)
OLD, NEW = "the-older-key-of-the-house-0123456789", "the-newer-key-of-the-house-0123456789"


def line(number: int, *parts: tuple[int, int, str], status: str = "confirmed", substitute: str | None = None):
    asked = Asked(str(number), f"TG{number}", Decimal(100), "C62", DUE, DUE, "1710")
    pieces = tuple(
        Piece(Decimal(quantity), DUE + timedelta(days), "1710", supply, "unreserved", "high", "s1")  # type: ignore[arg-type]
        for quantity, days, supply in parts
    )
    confirmed = Decimal(sum(quantity for quantity, _, supply in parts if supply != "leadTime"))
    return LinePromise(
        asked,
        status,
        confirmed,
        confirmed,
        100 - confirmed,
        pieces,
        (),
        (),
        (),
        substitute=substitute,  # type: ignore[arg-type]
    )


def fact(*lines: LinePromise) -> PromiseFact:
    return promise_fact("dealer-north", "17100001", VALID_UNTIL, lines)


def test_a_promise_holds_what_was_confirmed_and_no_estimate() -> None:
    (one,) = fact(line(11, (60, 0, "onHand"), (40, 9, "leadTime"))).lines
    assert [(piece.quantity, piece.date) for piece in one.pieces] == [(60, DUE)]


def test_what_the_erp_would_hold_back_is_no_promise() -> None:
    (one,) = fact(line(11, (60, 0, "onHand"), status="datePending")).lines
    assert one.pieces == ()


def test_a_substitute_is_what_was_promised() -> None:
    (one,) = fact(line(14, (60, 0, "onHand"), status="substituted", substitute="TG13")).lines
    assert one.product == "TG13"


def test_a_promise_is_evidence_long_after_it_was_an_offer_but_not_for_ever() -> None:
    seals = Seals([NEW])
    token = seals.seal(PROMISE, fact(line(11, (60, 0, "onHand"))))
    assert open_evidence(seals, token, VALID_UNTIL + EVIDENCE_FOR).sold_to == "17100001"
    with pytest.raises(SealBroken):
        open_evidence(seals, token, VALID_UNTIL + EVIDENCE_FOR + timedelta(seconds=1))


def test_a_key_that_was_replaced_still_verifies_and_one_that_is_gone_does_not() -> None:
    token = Seals([OLD]).seal(PROMISE, fact())
    assert open_evidence(Seals([NEW, OLD]), token, VALID_UNTIL).client == "dealer-north"
    with pytest.raises(SealBroken):
        open_evidence(Seals([NEW]), token, VALID_UNTIL)


def test_a_changed_promise_is_forged() -> None:
    seals = Seals([NEW])
    head, body, mark = seals.seal(PROMISE, fact(line(11, (60, 0, "onHand")))).split(".")
    changed = body[:20] + ("A" if body[20] != "A" else "B") + body[21:]
    with pytest.raises(SealBroken):
        open_evidence(seals, ".".join((head, changed, mark)), VALID_UNTIL)


def test_a_hundred_lines_stay_small() -> None:
    lines = [line(n, (60, 0, "onHand"), (40, 7, "inbound")) for n in range(100)]
    assert len(Seals([NEW]).seal(PROMISE, fact(*lines))) < 10_000


def test_the_largest_promise_can_be_presented_again() -> None:
    """A hundred lines with the longest names, each promised on sixty days, from two supplies a day."""
    parts = tuple((1, day, supply) for day in range(60) for supply in ("inbound", "production"))
    long_names = [
        replace(one, asked=replace(one.asked, line_id=f"{n:064}", material=f"{n:040}"))
        for n, one in enumerate(line(n, *parts) for n in range(100))
    ]
    seals = Seals([NEW])
    made = fact(*long_names)
    opened = open_evidence(seals, seals.seal(PROMISE, made), VALID_UNTIL)
    assert opened == made
    for one in opened.lines:
        assert sum(piece.quantity for piece in one.pieces) == 120
        assert one.pieces[0] == PromisedPiece(Decimal(2), DUE)
        assert one.pieces[-1].date == DUE + timedelta(59), "later than said is never told earlier"
