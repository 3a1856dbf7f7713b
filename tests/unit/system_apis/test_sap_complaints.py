"""What SAP says when it says no, in all the forms it says it."""

import time
from datetime import date
from decimal import Decimal

import httpx
import msgspec
import pytest

from system_apis.errand import Errand
from system_apis.errors import (
    CredentialsRefused,
    NotAllowed,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
    UpstreamError,
    VersionMoved,
    VersionRequired,
)
from system_apis.sap import blame, complaints
from system_apis.sap.batch import Part
from system_apis.sap.models import Demand

READ = Errand("sap", "s4", "read an order", writes=False)
WRITE = Errand("sap", "s4", "create an order", writes=True)


def error(code: str, text: str, *details: dict[str, str]) -> bytes:
    body = {"code": code, "message": {"lang": "en", "value": text}, "innererror": {"errordetails": list(details)}}
    return msgspec.json.encode({"error": body})


def detail(code: str, message: str, severity: str = "error", target: str = "") -> dict[str, str]:
    return {"code": code, "message": message, "severity": severity, "target": target, "propertyref": ""}


FRAMEWORK = detail("/IWBEP/CX_MGW_BUSI_EXCEPTION", "An exception was raised.")
XML = b"""<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<code>SY/530</code><message xml:lang="en">Exception</message><innererror><errordetails>
<errordetail><code>V1/384</code><message>Sold-to &amp; ship-to</message><severity>error</severity></errordetail>
</errordetails></innererror></error>"""


def test_the_first_real_error_is_the_reason() -> None:
    body = error(
        "SY/530", "Exception", detail("V1/1", "careful", "warning"), FRAMEWORK, detail("V1/384", "no customer")
    )
    said = complaints.complaint(400, body)
    assert (said.code, said.text) == ("V1/384", "no customer")


def test_without_details_the_head_is_the_reason() -> None:
    body = msgspec.json.encode({"error": {"code": "005056A509B11EE1", "message": "text of version 4"}})
    said = complaints.complaint(400, body)
    assert (said.code, said.text) == ("005056A509B11EE1", "text of version 4")


def test_an_error_in_xml_is_read() -> None:
    said = complaints.complaint(400, XML)
    assert (said.code, said.text) == ("V1/384", "Sold-to & ship-to")


@pytest.mark.parametrize(
    "body",
    [b"<html><body>Logon</body></html>", b"CSRF token validation failed", b"", b"\xff\xfe", b'{"error":"x"}', b"[1]"],
)
def test_a_body_that_is_no_sap_error_is_never_quoted(body: bytes) -> None:
    said = complaints.complaint(500, body)
    assert (said.code, said.readable) == ("HTTP 500", False)
    assert said.text == "no SAP error in the answer"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("V1/384", "no"), SystemRefused),
        (404, error("/IWBEP/CM_MGW_RT/020", "Resource not found"), NotFoundInSystem),
        (412, error("/IWBEP/CM_MGW_RT/190", "already changed"), VersionMoved),
        (428, error("/IWBEP/CM_MGW_RT/1", "If-Match"), VersionRequired),
        (403, b"", CredentialsRefused),
        (403, error("/IWFND/CM_1", "No authorization"), NotAllowed),
        (403, error("V1/108", "No authorization to create sales orders of type OR"), NotAllowed),
        (400, error("VL/045", "The sales order 1 is currently being processed by user X"), ObjectLocked),
        (400, error("ZZ/001", "Order 1 is currently being processed by user X"), ObjectLocked),
        (423, error("ZZ/001", "busy"), ObjectLocked),
        (500, error("V1/384", "a business error all the same"), SystemRefused),
    ],
)
def test_each_no_has_its_type(status: int, body: bytes, kind: type[UpstreamError]) -> None:
    assert type(complaints.failure(status, complaints.complaint(status, body), WRITE)) is kind


def test_a_material_that_is_blocked_is_not_taken_for_a_lock() -> None:
    said = complaints.complaint(400, error("V1/028", "Material TG14 is locked for sales (blocked)"))
    assert type(complaints.failure(400, said, WRITE)) is SystemRefused


@pytest.mark.parametrize("body", [b"<html>500 dump</html>", error("SY/530", "Exception", FRAMEWORK)])
def test_a_dump_leaves_a_write_open_and_a_read_repeatable(body: bytes) -> None:
    said = complaints.complaint(500, body)
    assert type(complaints.failure(500, said, WRITE)) is OutcomeUnknown
    assert type(complaints.failure(500, said, READ)) is SystemUnavailable


def test_warnings_come_from_the_message_header() -> None:
    header = (
        '{"code":"SLS_LORD/033","message":"The document  cannot be saved.","target":"","severity":"warning",'
        '"transition":false,"details":[{"code":"V1/263","message":"Item 000010","target":"","severity":"info",'
        '"transition":false},{"code":"SLS_LORD/009","message":"incomplete","severity":"warning"}]}'
    )
    assert [one.code for one in complaints.warnings(header)] == ["SLS_LORD/033", "SLS_LORD/009"]


@pytest.mark.parametrize("header", [None, "", "<notification/>", "{", "[]"])
def test_a_message_header_in_another_form_is_left_alone(header: str | None) -> None:
    assert complaints.warnings(header) == ()


def test_a_lock_is_also_known_by_a_code_of_the_configuration() -> None:
    said = complaints.complaint(400, error("ZLOCK/007", "Later, please"))
    assert type(complaints.failure(400, said, WRITE)) is SystemRefused
    assert type(complaints.failure(400, said, WRITE, {"ZLOCK/007"})) is ObjectLocked


PARTS = (
    Part("PATCH", "A_SalesOrder('1')", b"{}"),
    Part("PATCH", "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", b"{}"),
    Part("PATCH", "A_SalesOrderScheduleLine(SalesOrder='1',SalesOrderItem='20',ScheduleLine='1')", b"{}"),
    Part("POST", "A_SalesOrder('1')/to_Item", b'{"Material":"TG14"}'),
)


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"ContentID": "3", "message": "Item 000010 is odd"}, 2),
        ({"ContentID": "5", "message": "no such part"}, None),
        ({"ContentID": "0", "message": "no such part"}, None),
        ({"ContentID": "", "message": "Item 000020 can not be changed"}, 2),
        ({"message": "bad", "target": "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='000010')"}, 1),
        ({"message": "Item 000040 is unknown"}, None),
        ({"message": "Material TG14 has status: Discontinued"}, 3),
        ({"message": "Material TG1 has status: Discontinued"}, None),
        ({"ContentID": "2", "severity": "warning", "message": "careful"}, None),
    ],
)
def test_the_culprit_of_a_rolled_back_changeset_is_the_part_the_message_names(
    entry: dict[str, str], part: int | None
) -> None:
    said = complaints.complaint(400, error("V1/520", "no", {"code": "V1/520", **entry}))
    assert blame.culprit(said, PARTS) == part


def demand(line_id: str, material: str) -> Demand:
    return Demand(line_id, material, Decimal(1), "C62", date(2026, 12, 1))


ITEMS = {"10": demand("a", "TG1"), "20": demand("b", "TG14"), "30": demand("c", "TG14")}


@pytest.mark.parametrize(
    ("entry", "numbers"),
    [
        (
            complaints.Entry("V1/1", "bad", target="A_SalesOrderItemSimulation(SalesOrder='',SalesOrderItem='000020')"),
            {"20"},
        ),
        (complaints.Entry("V1/1", "bad", propertyref="to_Item('30')/Material"), {"30"}),
        (complaints.Entry("V1/1", "Item 000010 can not be sold"), {"10"}),
        (complaints.Entry("V1/028", "Material TG14 has status: Discontinued"), {"20", "30"}),
        (complaints.Entry("V1/028", "Material TG1-X has status"), set()),
        (complaints.Entry("V1/1", "Item 000040 is unknown"), set()),
        (complaints.Entry("V1/1", "Item 000010 is odd", severity="warning"), set()),
        (complaints.Entry("V1/1", "Sold-to party 1 is unknown"), set()),
    ],
)
def test_the_refused_lines_are_those_the_message_names(entry: complaints.Entry, numbers: set[str]) -> None:
    assert blame.blamed([entry], ITEMS).keys() == numbers


@pytest.mark.parametrize(
    ("status", "body", "counts"),
    [
        (500, error("V1/302", "Sold-to party not maintained", detail("V1/302", "Sold-to party not maintained")), False),
        (500, error("/IWBEP/CX_MGW_TECH_EXCEPTION", "dump", FRAMEWORK), True),
        (503, b"<html>maintenance</html>", True),
        (400, b"", False),
        (500, b'{"error":' + b"[" * 100_000, True),
    ],
)
def test_a_business_refusal_with_a_500_is_no_sign_of_illness(status: int, body: bytes, counts: bool) -> None:
    assert complaints.unwell(httpx.Response(status, content=body)) is counts


@pytest.mark.parametrize("details", [5, True, "no", {"errordetail": []}])
def test_details_that_are_no_list_are_passed_over(details: object) -> None:
    said = {"error": {"code": "V1/302", "message": {"value": "no"}, "innererror": {"errordetails": details}}}
    assert complaints.complaint(400, msgspec.json.encode(said)).code == "V1/302"


@pytest.mark.parametrize("opened", [b"<code ", b"<errordetail>"])
def test_elements_that_are_opened_only_do_not_hold_up_the_process(opened: bytes) -> None:
    began = time.process_time()
    complaints.complaint(400, b"<error>" + opened * 20_000)
    assert time.process_time() - began < 0.3
