"""API_SALES_ORDER_SRV: changing orders, versions, and several changes at once."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from system_apis.sandbox.world import World
from tests.contract.sandbox_sap.conftest import (
    ORDERS,
    after,
    create,
    day_of,
    entered,
    item,
    pieces,
    read,
    stamp,
    text_of,
)

BATCH = "multipart/mixed; boundary=batch_1"
BAD_URL = b"--batch_1\r\nContent-Type: application/http\r\n\r\nGET http://[ HTTP/1.1\r\n\r\n\r\n--batch_1--\r\n"


def header(number: str) -> str:
    return f"{ORDERS}/A_SalesOrder('{number}')"


def item_path(number: str, position: str = "10") -> str:
    return f"A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='{position}')"


def version(reader: httpx.Client, number: str) -> str:
    etag: str = reader.get(header(number), params={"$select": "SalesOrder"}).headers["etag"]
    return etag


@pytest.fixture
def number(writer: httpx.Client) -> str:
    made: str = create(writer, item("TG11", "40"), item("TG12", "100"))["SalesOrder"]
    return made


def test_a_header_change_without_a_version_is_told_to_be_conditional(writer: httpx.Client, number: str) -> None:
    answer = writer.patch(header(number), json={"DeliveryBlockReason": "01"})
    assert answer.status_code == 428
    assert "If-Match" in text_of(answer)
    assert read(writer, number)["DeliveryBlockReason"] == ""


def test_a_stale_version_is_refused(writer: httpx.Client, number: str) -> None:
    seen = version(writer, number)
    fresh = writer.patch(header(number), json={"DeliveryBlockReason": "01"}, headers={"If-Match": seen})
    assert (fresh.status_code, fresh.content) == (204, b"")
    stale = writer.patch(header(number), json={"DeliveryBlockReason": ""}, headers={"If-Match": seen})
    assert stale.status_code == 412
    assert "already changed" in text_of(stale)
    assert read(writer, number)["DeliveryBlockReason"] == "01"


def test_a_star_overrides_and_merge_is_patch(writer: httpx.Client, number: str) -> None:
    star = {"If-Match": "*"}
    assert writer.request("MERGE", header(number), json={"DeliveryBlockReason": "01"}, headers=star).status_code == 204
    tunnelled = star | {"X-HTTP-Method": "MERGE"}
    assert writer.post(header(number), json={"PurchaseOrderByCustomer": "new"}, headers=tunnelled).status_code == 204
    now = read(writer, number)
    assert (now["DeliveryBlockReason"], now["PurchaseOrderByCustomer"]) == ("01", "new")


def test_an_item_needs_no_version_but_moves_the_headers(writer: httpx.Client, number: str) -> None:
    before = version(writer, number)
    assert writer.patch(f"{ORDERS}/{item_path(number)}", json={"RequestedQuantity": "60"}).status_code == 204
    assert version(writer, number) != before
    changed = read(writer, number)["to_Item"]["results"][0]
    assert (changed["RequestedQuantity"], changed["NetAmount"]) == ("60", "1018.50")
    assert pieces(changed) == [(Decimal(60), after(5))]


def test_more_quantity_is_checked_against_what_others_hold(writer: httpx.Client) -> None:
    mine = create(writer, item("FG126", "4"))["SalesOrder"]
    create(writer, item("FG126", "5"))
    writer.patch(f"{ORDERS}/{item_path(mine)}", json={"RequestedQuantity": "8"})
    assert pieces(read(writer, mine)["to_Item"]["results"][0]) == [(Decimal(5), after(5))]


def test_a_rejected_item_gives_back_what_it_held_and_can_be_reopened(writer: httpx.Client) -> None:
    held = create(writer, item("FG126", "10"), item("TG11", "1"))["SalesOrder"]
    writer.patch(f"{ORDERS}/{item_path(held)}", json={"SalesDocumentRjcnReason": "10"})
    rejected = read(writer, held)
    assert pieces(rejected["to_Item"]["results"][0]) == [(Decimal(0), None)]
    assert (rejected["OverallSDDocumentRejectionSts"], rejected["TotalNetAmount"]) == ("B", "16.97")
    other = create(writer, item("FG126", "6"))["SalesOrder"]
    assert pieces(read(writer, other)["to_Item"]["results"][0]) == [(Decimal(6), after(5))]
    writer.patch(f"{ORDERS}/{item_path(held)}", json={"SalesDocumentRjcnReason": ""})
    assert pieces(read(writer, held)["to_Item"]["results"][0]) == [(Decimal(4), after(5))]


def test_an_item_is_added_by_posting_to_the_order(writer: httpx.Client, number: str) -> None:
    answer = writer.post(f"{header(number)}/to_Item", json=item("TG10", "3"))
    assert (answer.status_code, answer.json()["d"]["SalesOrderItem"]) == (201, "30")
    refused = writer.post(f"{header(number)}/to_Item", json=item("TG14", "3"))
    assert (refused.status_code, text_of(refused)) == (400, "Item 000040: Material TG14 has status: Discontinued")
    assert len(read(writer, number)["to_Item"]["results"]) == 3


def test_a_new_day_on_the_schedule_line_moves_the_confirmation(writer: httpx.Client, number: str) -> None:
    line = f"{ORDERS}/A_SalesOrderScheduleLine(SalesOrder='{number}',SalesOrderItem='20',ScheduleLine='1')"
    assert writer.patch(line, json={"RequestedDeliveryDate": stamp(after(20))}).status_code == 204
    first, second = read(writer, number)["to_Item"]["results"]
    assert pieces(second) == [(Decimal(100), after(20))]
    assert pieces(first) == [(Decimal(40), after(5))]


def test_quantity_and_day_of_a_wish_change_together(writer: httpx.Client, number: str) -> None:
    line = f"{ORDERS}/A_SalesOrderScheduleLine(SalesOrder='{number}',SalesOrderItem='10',ScheduleLine='1')"
    wish = {"ScheduleLineOrderQuantity": "7", "OrderQuantityUnit": "PC", "RequestedDeliveryDate": stamp(after(20))}
    assert writer.patch(line, json=wish).status_code == 204
    (first, _) = read(writer, number)["to_Item"]["results"]
    assert (first["RequestedQuantity"], pieces(first)) == ("7", [(Decimal(7), after(20))])
    refused = writer.patch(line, json={"ScheduleLineOrderQuantity": "7.5"})
    assert (refused.status_code, "7.5" in text_of(refused)) == (400, True)


def test_only_the_line_with_the_ordered_quantity_takes_a_new_day(writer: httpx.Client, number: str) -> None:
    def answer(line: str, **body: str) -> httpx.Response:
        keys = f"SalesOrder='{number}',SalesOrderItem='20',ScheduleLine='{line}'"
        return writer.patch(f"{ORDERS}/A_SalesOrderScheduleLine({keys})", json=body)

    assert answer("2", RequestedDeliveryDate=stamp(after(3))).status_code == 400
    assert answer("1", ConfirmedDeliveryDate=stamp(after(3))).status_code == 400
    assert answer("9", RequestedDeliveryDate=stamp(after(3))).status_code == 404


def test_a_new_day_on_the_header_moves_the_items_that_followed_it(writer: httpx.Client, number: str) -> None:
    line = f"{ORDERS}/A_SalesOrderScheduleLine(SalesOrder='{number}',SalesOrderItem='10',ScheduleLine='1')"
    writer.patch(line, json={"RequestedDeliveryDate": stamp(after(9))})
    body = {"RequestedDeliveryDate": stamp(after(15))}
    assert writer.patch(header(number), json=body, headers={"If-Match": "*"}).status_code == 204
    order = read(writer, number)
    assert day_of(order["RequestedDeliveryDate"]) == after(15)
    asked = [day_of(i["to_ScheduleLine"]["results"][0]["RequestedDeliveryDate"]) for i in order["to_Item"]["results"]]
    assert asked == [after(9), after(15)]


@pytest.mark.parametrize("body", [{"TotalNetAmount": "1"}, {"SoldToParty": "17100002"}, {"Colour": "red"}])
def test_header_fields_that_cannot_be_changed_are_refused(
    writer: httpx.Client, number: str, body: dict[str, str]
) -> None:
    before = version(writer, number)
    assert writer.patch(header(number), json=body, headers={"If-Match": "*"}).status_code == 400
    assert version(writer, number) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_orders_are_neither_replaced_nor_deleted(writer: httpx.Client, number: str, method: str) -> None:
    assert writer.request(method, header(number), json={}, headers={"If-Match": "*"}).status_code == 405


def part(line: str, *headers: str, body: str = "") -> str:
    return "\r\n".join(
        [
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            f"{line} HTTP/1.1",
            *headers,
            "",
            body,
        ]
    )


def changeset(*parts: str) -> str:
    inner = "".join(f"--set_1\r\n{each}\r\n" for each in parts)
    return f"Content-Type: multipart/mixed; boundary=set_1\r\n\r\n{inner}--set_1--\r\n"


def send(writer: httpx.Client, *parts: str) -> httpx.Response:
    body = "".join(f"--batch_1\r\n{each}\r\n" for each in parts) + "--batch_1--\r\n"
    return writer.post(f"{ORDERS}/$batch", content=body.encode(), headers={"Content-Type": BATCH})


def change(line: str, body: str, *headers: str) -> str:
    return part(line, "Content-Type: application/json", "Accept: application/json", *headers, body=body)


def test_a_changeset_changes_header_and_items_together(writer: httpx.Client, number: str) -> None:
    answer = send(
        writer,
        changeset(
            change(
                f"PATCH A_SalesOrder('{number}')",
                '{"PurchaseOrderByCustomer":"two"}',
                f"If-Match: {version(writer, number)}",
            ),
            change(f"PATCH {ORDERS}/{item_path(number)}", '{"RequestedQuantity":"70"}'),
            change(f"POST A_SalesOrder('{number}')/to_Item", '{"Material":"TG10","RequestedQuantity":"2"}'),
        ),
        part(f"GET A_SalesOrder('{number}')?$select=PurchaseOrderByCustomer", "Accept: application/json"),
    )
    assert answer.status_code == 202
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert answer.text.count("HTTP/1.1 204 No Content") == 2
    assert answer.text.count("HTTP/1.1 201 Created") == 1
    assert '"PurchaseOrderByCustomer":"two"' in answer.text
    now = read(writer, number)["to_Item"]["results"]
    assert [line["RequestedQuantity"] for line in now] == ["70", "100", "2"]


def test_a_failed_changeset_leaves_nothing_and_later_parts_still_run(writer: httpx.Client, number: str) -> None:
    before = version(writer, number)
    answer = send(
        writer,
        changeset(
            change(f"PATCH A_SalesOrder('{number}')", '{"PurchaseOrderByCustomer":"two"}', f"If-Match: {before}"),
            change(f"PATCH {item_path(number)}", '{"RequestedQuantity":"70"}'),
            change(f"POST A_SalesOrder('{number}')/to_Item", '{"Material":"TG14","RequestedQuantity":"2"}'),
        ),
        part(f"GET A_SalesOrder('{number}')", "Accept: application/json"),
    )
    assert answer.status_code == 202
    assert answer.text.count("HTTP/1.1 400 Bad Request") == 1
    assert answer.text.count("HTTP/1.1 200 OK") == 1
    assert "204 No Content" not in answer.text
    assert version(writer, number) == before
    assert read(writer, number)["to_Item"]["results"][0]["RequestedQuantity"] == "40"


def test_a_stale_version_fails_the_whole_changeset(writer: httpx.Client, number: str) -> None:
    stale = version(writer, number)
    writer.patch(f"{ORDERS}/{item_path(number)}", json={"RequestedQuantity": "41"})
    answer = send(
        writer,
        changeset(
            change(f"PATCH A_SalesOrder('{number}')", "{}", f"If-Match: {stale}"),
            change(f"PATCH {item_path(number)}", '{"RequestedQuantity":"70"}'),
        ),
    )
    assert "HTTP/1.1 412 Precondition Failed" in answer.text
    assert read(writer, number)["to_Item"]["results"][0]["RequestedQuantity"] == "41"


def test_a_later_part_may_refer_to_what_an_earlier_one_made(writer: httpx.Client, world: World) -> None:
    header_only = (
        '{"SalesOrderType":"OR","SalesOrganization":"1710","DistributionChannel":"10",'
        '"OrganizationDivision":"00","SoldToParty":"17100001"}'
    )
    first = change("POST A_SalesOrder", header_only).replace("binary", "binary\r\nContent-ID: made", 1)
    answer = send(writer, changeset(first, change("POST $made/to_Item", '{"Material":"TG10","RequestedQuantity":"2"}')))
    assert answer.text.count("HTTP/1.1 201 Created") == 2
    (order,) = entered(world)
    assert order.items["10"].material == "TG10"


def test_a_changeset_holds_one_document(writer: httpx.Client, number: str) -> None:
    other = create(writer, item("TG11", "1"))["SalesOrder"]
    answer = send(
        writer,
        changeset(
            change(f"PATCH {item_path(number)}", '{"RequestedQuantity":"1"}'),
            change(f"PATCH {item_path(other)}", '{"RequestedQuantity":"2"}'),
        ),
    )
    assert "changeset restrictions" in answer.text
    assert read(writer, number)["to_Item"]["results"][0]["RequestedQuantity"] == "40"


def test_a_change_outside_a_changeset_is_refused(writer: httpx.Client, number: str) -> None:
    answer = send(writer, change(f"PATCH {item_path(number)}", '{"RequestedQuantity":"1"}'))
    assert "HTTP/1.1 400 Bad Request" in answer.text


def test_a_bodyless_part_must_close_its_headers_with_an_empty_line(writer: httpx.Client, number: str) -> None:
    unclosed = part(f"GET A_SalesOrder('{number}')", "Accept: application/json").removesuffix("\r\n")
    answer = send(writer, unclosed)
    assert answer.status_code == 400
    assert "malformed syntax" in text_of(answer)


@pytest.mark.parametrize(
    "body", [b"", b"--batch_1--\r\n", b"nonsense", BAD_URL, b"--batch_1\r\n\r\nGET\r\n\r\n\r\n--batch_1--\r\n"]
)
def test_a_batch_that_is_none_is_malformed(writer: httpx.Client, body: bytes) -> None:
    answer = writer.post(f"{ORDERS}/$batch", content=body, headers={"Content-Type": BATCH})
    assert answer.status_code == 400


def test_a_batch_needs_the_token_too(reader: httpx.Client) -> None:
    answer = reader.post(f"{ORDERS}/$batch", content=b"", headers={"Content-Type": BATCH})
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")
