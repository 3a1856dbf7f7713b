"""A body becomes a request, or a fault that says where and what."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta

from app.decoding import check_media_type, decode, decode_query
from app.errors import BodyMalformed, EncodingUnsupported, MediaTypeUnsupported, ParameterMalformed
from process_apis.words import AskedQuantity, Word


class Line(Word, frozen=True):
    line_id: str
    quantity: AskedQuantity
    tags: dict[str, int] = {}


class Ask(Word, frozen=True):
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=2)]
    note: Annotated[str, Meta(max_length=5)] = ""


class Page(Word, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: str | None = None


GOOD = b'{"lines":[{"lineId":"1","quantity":{"value":"1.5","unit":"C62"}}]}'


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"", "#", "body-missing"),
        (b"  \n", "#", "body-missing"),
        (b"{", "#", "not-json"),
        (GOOD + b"x", "#", "not-json"),
        (b'{"lines":NaN}', "#", "not-json"),
        (b'{"lines":[{"lineId":"\xff\xfe"}]}', "#", "not-utf-8"),
        (b"\xef\xbb\xbf{}", "#", "not-json"),
        (b'{"note":"\\ud800"}', "#", "not-json"),
        (b"[]", "#", "value-malformed"),
        (b"{}", "#/lines", "member-missing"),
        (b'{"lines":[]}', "#/lines", "value-malformed"),
        (b'{"lines":[{"lineId":1}]}', "#/lines/0/lineId", "value-malformed"),
        (b'{"lines":[{"lineId":"1"}]}', "#/lines/0/quantity", "member-missing"),
        (b'{"lines":[{"lineId":"1","a/b~c d":1}]}', "#/lines/0/a~1b~0c%20d", "member-unknown"),
        (b'{"lines":[{"lineId":"1","tags":{"k":"x"}}]}', "#/lines/0/tags/-", "value-malformed"),
        (b'{"note":"too long"}', "#/note", "value-malformed"),
        (b'{"x":' + b"[" * 100_000, "#/x", "member-unknown"),
        (b'{"lines":[{"lineId":"1","' + b"\xc3\xa9" * 65_000 + b'":1}]}', "#/lines/0", "member-unknown"),
    ],
)
def test_a_fault_is_named_by_its_pointer(body: bytes, pointer: str, code: str) -> None:
    with pytest.raises(BodyMalformed) as refused:
        decode(body, Ask)
    assert (refused.value.fault.pointer, refused.value.fault.code) == (pointer, code)


def test_json_keeps_its_name_in_a_sentence() -> None:
    with pytest.raises(BodyMalformed) as refused:
        decode(b"{nope}", Ask)
    assert refused.value.fault.detail.startswith("JSON is malformed")


@pytest.mark.parametrize(
    "value", ["1.5", '"NaN"', '"1E99"', '"-1"', '"Infinity"', '"1,5"', "null", '"1.1234567"', '""']
)
def test_a_quantity_that_is_no_decimal_string_is_refused(value: str) -> None:
    with pytest.raises(BodyMalformed) as refused:
        decode(GOOD.replace(b'"1.5"', value.encode()), Ask)
    assert refused.value.fault.pointer == "#/lines/0/quantity/value"


def test_a_good_body_is_a_request() -> None:
    assert decode(GOOD, Ask, strictly_once=True).lines[0].quantity.value == "1.5"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"note":"a","note":"b","lines":[{"lineId":"1","quantity":{"value":"1","unit":"C62"}}]}', "#/note"),
        (b'{"lines":[{"lineId":"1","quantity":{"value":"1","value":"2","unit":"C62"}}]}', "#/lines/0/quantity/value"),
    ],
)
def test_a_member_given_twice_is_refused_where_a_wrong_reading_would_matter(body: bytes, pointer: str) -> None:
    with pytest.raises(BodyMalformed) as refused:
        decode(body, Ask, strictly_once=True)
    assert (refused.value.fault.pointer, refused.value.fault.code) == (pointer, "member-repeated")


@pytest.mark.parametrize(
    "sent", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_in_utf8_is_taken(sent: str) -> None:
    check_media_type(sent, "identity")


@pytest.mark.parametrize("sent", ["", "text/plain", "application/json; charset=latin-1", "application/xml", "*/*"])
def test_any_other_media_type_is_not(sent: str) -> None:
    with pytest.raises(MediaTypeUnsupported):
        check_media_type(sent, "")


def test_a_compressed_body_is_not_unpacked() -> None:
    with pytest.raises(EncodingUnsupported):
        check_media_type("application/json", "gzip")


def test_a_query_is_read_by_its_types() -> None:
    assert decode_query(b"limit=5&after=evt_1", Page) == Page(5, "evt_1")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (b"limit=0", "limit"),
        (b"limit=x", "limit"),
        (b"limit=1&limit=2", "limit"),
        (b"offset=1", "offset"),
        (b"limit=", "limit"),
    ],
)
def test_a_query_that_cannot_be_read_names_the_parameter(query: bytes, name: str) -> None:
    with pytest.raises(ParameterMalformed) as refused:
        decode_query(query, Page)
    assert refused.value.name == name
