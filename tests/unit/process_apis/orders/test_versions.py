"""The version of an order belongs to one order, one kind of reader, and moves when a part moves."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from process_apis.orders.versions import NOT_SEEN, NOTHING, OrderVersion, etag_of, moved_parts, version_in
from process_apis.seals import Seals

SEALS = Seals(["v" * 32])
SEEN = OrderVersion(
    "s4-1710.7", "W/\"datetimeoffset'2030-06-01T10%3A00%3A00Z'\"", "aps:8842", "2030-06-01", 0, "internal"
)


def test_the_tag_is_a_strong_entity_tag_and_is_read_back() -> None:
    etag = etag_of(SEEN, SEALS)
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', etag)
    assert version_in(etag, "s4-1710.7", "internal", SEALS) == SEEN


@pytest.mark.parametrize(("order_id", "disclosure"), [("s4-1710.8", "internal"), ("s4-1710.7", "partner")])
def test_the_tag_of_another_order_or_reader_is_none(order_id: str, disclosure: str) -> None:
    assert version_in(etag_of(SEEN, SEALS), order_id, disclosure, SEALS) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["*", "", '""', '"abc"', 'W/"abc"', '"a", "b"'])
def test_what_is_no_version_of_ours_is_none(wrong: str) -> None:
    assert version_in(wrong, "s4-1710.7", "internal", SEALS) is None


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        (SEEN, ()),
        (replace(SEEN, erp='W/"2"'), ("erp",)),
        (replace(SEEN, plan=NOTHING), ("scheduler",)),
        (replace(SEEN, crm="2030-06-02"), ("crm",)),
        (replace(SEEN, own=1), ("ordergate",)),
        (replace(SEEN, plan=NOT_SEEN, crm=NOT_SEEN), ()),
        (replace(SEEN, erp='W/"2"', plan="aps:9", crm="", own=2), ("erp", "scheduler", "crm", "ordergate")),
    ],
)
def test_every_part_that_moved_is_named(now: OrderVersion, moved: tuple[str, ...]) -> None:
    assert moved_parts(SEEN, now) == moved
    assert moved_parts(now, SEEN) == moved


def test_a_partner_reads_no_name_of_ours_in_a_version_and_is_held_to_the_same_plan() -> None:
    version = replace(SEEN, disclosure="partner")
    etag = etag_of(version, SEALS)
    seen = version_in(etag, "s4-1710.7", "partner", SEALS)
    assert seen is not None and "aps" not in seen.plan and "8842" not in seen.plan
    assert moved_parts(seen, version) == () == moved_parts(version, seen)
    assert moved_parts(seen, replace(version, plan="aps:8843")) == ("scheduler",)
    assert etag_of(seen, SEALS) == etag
