"""CE_SALESORDER_0001: `$batch`, and what a changeset may hold."""

from __future__ import annotations

import json

import httpx
import pytest

from system_apis.sandbox.world import World
from tests.contract.sandbox_sap.conftest import entered
from tests.contract.sandbox_sap.v4 import (
    BATCH,
    V4,
    change,
    changeset,
    create,
    header,
    item,
    item_path,
    order,
    part,
    patch_of,
    read,
    send,
    version,
)

RESTRICTED = "Operation not allowed due to changeset restrictions. Refer to API docu."


@pytest.fixture
def number(writer: httpx.Client) -> str:
    made: str = create(writer, item("TG11", 40), item("TG12", 100))["SalesOrder"]
    return made


def quantities(reader: httpx.Client, number: str) -> list[float]:
    return [line["RequestedQuantity"] for line in read(reader, number)["_Item"]]


def test_a_batch_is_answered_with_200_and_reads_in_the_version_of_each_part(writer: httpx.Client, number: str) -> None:
    answer = send(
        writer,
        part(f"GET SalesOrder('{number}')?$select=SalesOrder", "Accept: application/json"),
        part(
            f"GET {V4}/{item_path(number)}?$select=RequestedQuantity", "Accept: application/json;IEEE754Compatible=true"
        ),
    )
    assert (answer.status_code, answer.headers["odata-version"]) == (200, "4.0")
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.text.count("odata-version: 4.0") == 2
    assert f"etag: {version(writer, number)}" in answer.text
    assert '"RequestedQuantity":"40"' in answer.text


def test_changes_may_stand_in_changesets_of_their_own_or_alone(writer: httpx.Client, number: str) -> None:
    answer = send(
        writer,
        changeset(patch_of(number, "10", 70)),
        patch_of(number, "20", 7),
        changeset(change(f"POST SalesOrder('{number}')/_Item", json.dumps(item("TG10", 2)))),
    )
    assert (answer.text.count("HTTP/1.1 200 OK"), answer.text.count("HTTP/1.1 201 Created")) == (2, 1)
    assert quantities(writer, number) == [70, 7, 2]


@pytest.mark.parametrize("second", ["PATCH", "POST"])
def test_a_patch_shares_its_changeset_with_nothing(writer: httpx.Client, number: str, second: str) -> None:
    other = patch_of(number, "20", 7)
    if second == "POST":
        other = change(f"POST SalesOrder('{number}')/_Item", json.dumps(item("TG10", 2)))
    before = version(writer, number)
    answer = send(writer, changeset(patch_of(number, "10", 70), other))
    assert answer.text.count("HTTP/1.1 400 Bad Request") == 1
    assert RESTRICTED in answer.text
    assert version(writer, number) == before
    answer = send(writer, changeset(other, patch_of(number, "10", 70)))
    assert RESTRICTED in answer.text
    assert version(writer, number) == before


def test_a_changeset_holds_one_order(writer: httpx.Client, world: World) -> None:
    made = change("POST SalesOrder", json.dumps(order(item("TG11", 1))))
    answer = send(writer, changeset(made, made))
    assert RESTRICTED in answer.text
    assert entered(world) == []


def test_the_version_that_one_changeset_used_is_stale_for_the_next(writer: httpx.Client, number: str) -> None:
    seen = version(writer, number)
    answer = send(writer, changeset(patch_of(number, "10", 70, seen)), changeset(patch_of(number, "20", 7, seen)))
    assert (answer.text.count("HTTP/1.1 200 OK"), answer.text.count("HTTP/1.1 412")) == (1, 1)
    assert quantities(writer, number) == [70, 100]


def test_after_an_error_nothing_more_is_done(writer: httpx.Client, number: str) -> None:
    parts = changeset(patch_of("4711", "10", 1)), part(f"GET SalesOrder('{number}')"), patch_of(number, "10", 70)
    answer = send(writer, *parts)
    assert (answer.status_code, answer.text.count("HTTP/1.1 ")) == (200, 1)
    assert quantities(writer, number) == [40, 100]


@pytest.mark.parametrize("preference", ["odata.continue-on-error", "continue-on-error"])
def test_unless_the_caller_prefers_to_go_on(writer: httpx.Client, number: str, preference: str) -> None:
    parts = changeset(patch_of("4711", "10", 1)), part(f"GET SalesOrder('{number}')"), patch_of(number, "10", 70)
    answer = send(writer, *parts, Prefer=preference)
    assert [answer.text.count(f"HTTP/1.1 {status}") for status in (404, 200)] == [1, 2]
    assert quantities(writer, number) == [70, 100]


def test_a_part_may_refer_to_what_an_earlier_one_of_its_changeset_made(writer: httpx.Client, world: World) -> None:
    made = change("POST SalesOrder", json.dumps(order())).replace("binary", "binary\r\nContent-ID: made", 1)
    added = change("POST $made/_Item", json.dumps(item("TG10", 2))).replace("binary", "binary\r\nContent-ID: item", 1)
    removed = part("DELETE $item", "If-Match: *")
    kept = change("POST $made/_Item", json.dumps(item("TG11", 1)))
    answer = send(writer, changeset(made, added, removed, kept))
    assert answer.text.count("HTTP/1.1 201 Created") == 3, answer.text
    assert "content-id: item" in answer.text
    (held,) = entered(world)
    assert [each.material for each in held.items.values()] == ["TG11"]


def test_a_bodyless_part_must_close_its_headers_with_an_empty_line(writer: httpx.Client, number: str) -> None:
    answer = send(writer, part(f"GET SalesOrder('{number}')", "Accept: application/json").removesuffix("\r\n"))
    assert (answer.status_code, "malformed syntax" in answer.json()["error"]["message"]) == (400, True)


def test_a_batch_in_json_is_not_understood(writer: httpx.Client) -> None:
    assert writer.post(f"{V4}/$batch", json={"requests": []}).status_code == 400


def test_a_batch_needs_the_token_too(reader: httpx.Client) -> None:
    answer = reader.post(f"{V4}/$batch", content=b"", headers={"Content-Type": BATCH})
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")


def test_a_header_is_changed_in_a_batch(writer: httpx.Client, number: str) -> None:
    tag = version(writer, number)
    path = header(number)
    answer = send(writer, changeset(change(f"PATCH {path}", '{"DeliveryBlockReason":"01"}', f"If-Match: {tag}")))
    assert f"etag: {version(writer, number)}" in answer.text
    assert read(writer, number)["DeliveryBlockReason"] == "01"
