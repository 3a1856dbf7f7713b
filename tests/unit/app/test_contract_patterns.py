"""The forms of texts: the documents say them so that every language reads them, and we keep to them to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from app import contract
from app.contract_flat import flat
from app.contract_words import INTERNAL_INFO
from app.decoding import decode
from app.errors import BodyMalformed
from app.internal_routes import INTERNAL
from app.routes import PUBLIC
from process_apis.quote_to_order.models import InlineConversionRequest

TO_THE_END = r"$(?!\n)"
"""What Python's `$` has to be told, lest a last line feed slips in behind the form."""
ASKED = [kind for route in (*PUBLIC, *INTERNAL) for kind in (route.takes, route.query) if kind]
OURS = {
    "currency": "USD",
    "quoteNumber": "WEB-0042",
    "customerPo": "PO-1",
    "value": "5",
    "unitPrice": "17.50",
    "tolerancePercent": "2.5",
}


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for each in node.values():
            yield from patterns(each)
    elif isinstance(node, list):
        for each in node:
            yield from patterns(each)


@pytest.mark.parametrize(
    "document",
    [contract.document(), flat(contract.document()), contract.document(INTERNAL, INTERNAL_INFO)],
    ids=["v1", "v1-3.0", "internal-v1"],
)
def test_a_pattern_is_one_that_every_language_reads(document: Any) -> None:
    """RE2 (Go, Rust) knows neither looking around nor back-references, ECMA-262 not `\\A` and `\\Z`; what generates
    code from the document stops at one."""
    published = set(patterns(document))
    assert published
    assert [one for one in published if re.search(r"\(\?|\\[1-9AZzGK]|[*+?}]\+", one)] == []


def test_a_form_that_is_asked_has_no_room_behind_it() -> None:
    asked = set(patterns(msgspec.json.schema_components(ASKED)[1]))
    assert asked
    assert [one for one in asked if "$" in one and not one.endswith(TO_THE_END)] == []


@pytest.mark.parametrize("member", OURS)
def test_a_line_feed_behind_a_text_is_refused(member: str) -> None:
    decode(an_order(), InlineConversionRequest)
    with pytest.raises(BodyMalformed):
        decode(an_order(**{member: OURS[member] + "\n"}), InlineConversionRequest)


def an_order(**changed: str) -> bytes:
    said = {**OURS, **changed}
    line = {
        "lineId": "1",
        "product": {"id": "TG11"},
        "quantity": {"value": said["value"], "unit": "C62"},
        "unitPrice": said["unitPrice"],
    }
    return msgspec.json.encode(
        {
            **{name: said[name] for name in ("currency", "quoteNumber", "customerPo")},
            "soldTo": {"id": "17100001"},
            "pricePolicy": {"tolerancePercent": said["tolerancePercent"]},
            "lines": [line],
        }
    )
