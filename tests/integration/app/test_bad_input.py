"""Whatever is sent, the answer is a 4xx problem that names the fault, never a 500."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.app.conftest import Served, token
from tests.integration.app.problems import pointers, problem
from tests.integration.app.wire import said_to

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
PATH = "/v1/atp-checks"


def line(line_id: str = "1", value: Any = "5", **more: Any) -> dict[str, Any]:
    asked = {"value": value, "unit": "C62"}
    return {"lineId": line_id, "product": {"id": "TG11"}, "quantity": asked, "requestedDate": DAY, **more}


def check(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"soldTo": {"id": "17100001"}, "lines": list(lines), **more}


async def post(caller: httpx.AsyncClient, content: bytes | dict[str, Any], **headers: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return await caller.post(PATH, content=body, headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", "#"),
        (b'{"lines":', "#"),
        (b'{"lines":[{"lineId":"\xff"}]}', "#"),
        (b'{"lines":NaN}', "#"),
        (b"[" * 200_000, "#"),
        (b"null", "#"),
        (b'"text"', "#"),
        (check(line()) | {"lines": "all"}, "#/lines"),
        ({"soldTo": {"id": "17100001"}}, "#/lines"),
        (check(), "#/lines"),
        (check(line(), surprise=1), "#/surprise"),
        (check(line(surprise=1)), "#/lines/0/surprise"),
        (check(line(), line("2", requestedDate="2026-02-30")), "#/lines/1/requestedDate"),
        (check(line(value=5)), "#/lines/0/quantity/value"),
        (check(line(value=5.5)), "#/lines/0/quantity/value"),
        (check(line(value="NaN")), "#/lines/0/quantity/value"),
        (check(line(value="-1")), "#/lines/0/quantity/value"),
        (check(line(value="1E+999999")), "#/lines/0/quantity/value"),
        (check(line(value="9" * 30)), "#/lines/0/quantity/value"),
        (check(line(), purpose="fun"), "#/purpose"),
        (check(line(), deadlineMs=5), "#/deadlineMs"),
        (check(line(), deadlineMs=10**30), "#/deadlineMs"),
    ],
)
async def test_a_malformed_body_is_named_by_pointer(
    caller: httpx.AsyncClient, body: bytes | dict[str, Any], pointer: str
) -> None:
    assert pointers(problem(await post(caller, body), 400, "body-malformed")) == [pointer]


async def test_all_broken_rules_are_named_at_once(caller: httpx.AsyncClient) -> None:
    body = check(line("1"), line("1", "0"), line("3", "999999999999.5"), line("4", requestedDate="1999-01-01"))
    named = pointers(problem(await post(caller, body), 422, "request-faulty"))
    assert {"#/lines/1/lineId", "#/lines/1/quantity/value", "#/lines/3/requestedDate"} <= set(named)


async def test_a_hundred_and_one_lines_are_refused_and_not_cut(caller: httpx.AsyncClient) -> None:
    body = check(*(line(str(number)) for number in range(101)))
    assert "#/lines" in pointers(problem(await post(caller, body), 422, "request-faulty"))


async def test_two_megabytes_are_too_large(caller: httpx.AsyncClient) -> None:
    problem(await post(caller, b'{"x":"' + b"a" * (2 << 20) + b'"}'), 413, "body-too-large")


async def test_two_megabytes_in_pieces_of_unknown_number_are_too_large(caller: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for _ in range(32):
            yield b"a" * (64 << 10)

    problem(await caller.post(PATH, content=pieces()), 413, "body-too-large")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/json; charset=latin-1", ""])
async def test_another_media_type_is_not_taken(caller: httpx.AsyncClient, media_type: str) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = await caller.post(PATH, content=b"{}", headers=headers)
    problem(answer, 415, "media-type-unsupported")
    assert answer.headers["accept"] == "application/json"


async def test_a_compressed_body_is_not_taken(caller: httpx.AsyncClient) -> None:
    answer = await post(caller, b"\x1f\x8b", **{"content-encoding": "gzip"})
    problem(answer, 415, "encoding-unsupported")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [("/v1/events?limit=0", "limit"), ("/v1/events?limit=1&limit=2", "limit"), ("/v1/events?from=x", "from")],
)
async def test_a_wrong_query_parameter_is_named(caller: httpx.AsyncClient, path: str, parameter: str) -> None:
    assert problem(await caller.get(path), 400, "parameter-malformed")["parameter"] == parameter


async def test_a_timeout_that_is_none_is_named(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/events", headers={"X-Request-Timeout-Ms": "soon"})
    assert problem(answer, 400, "parameter-malformed")["parameter"] == "X-Request-Timeout-Ms"


@pytest.mark.parametrize("order_id", ["%00", "a" * 200, "s4-1710.%F0%9F%92%A9", "x%0d%0ay"])
async def test_an_id_that_cannot_be_one_is_not_found(caller: httpx.AsyncClient, order_id: str) -> None:
    problem(await caller.get(f"/v1/orders/{order_id}"), 404, "not-found")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v2/atp-checks", "/v1/atp-checks/7", "/metrics", "/readyz"]
)
async def test_an_unknown_path_is_a_problem(nobody: httpx.AsyncClient, path: str) -> None:
    problem(await nobody.get(path), 404, "route-unknown")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_a_wrong_method_is_told_the_right_ones(nobody: httpx.AsyncClient, method: str) -> None:
    answer = await nobody.request(method, PATH)
    problem(answer, 405, "method-unknown")
    assert answer.headers["allow"] == "OPTIONS, POST"


async def test_options_tells_the_methods(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.options("/v1/events")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS", b"")


async def test_head_is_get_without_a_body(caller: httpx.AsyncClient) -> None:
    got, headed = await caller.get("/v1/events"), await caller.head("/v1/events")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == got.headers["content-length"]
    assert (await caller.head("/v1/nothing")).status_code == 404


async def test_a_long_address_is_refused(nobody: httpx.AsyncClient) -> None:
    problem(await nobody.get("/v1/events?after=" + "x" * 9000), 414, "target-too-long")


async def test_too_many_or_too_large_headers_are_refused(nobody: httpx.AsyncClient) -> None:
    many = {f"x-{number}": "1" for number in range(120)}
    problem(await nobody.get("/livez", headers=many), 431, "headers-too-large")
    problem(await nobody.get("/livez", headers={"x-large": "x" * 40_000}), 431, "headers-too-large")


async def test_a_call_names_its_host(served: Served) -> None:
    answer = await said_to(served.external, b"GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"parameter":"Host"' in answer
    assert (await said_to(served.external, b"GET /livez HTTP/1.0\r\n\r\n")).startswith("HTTP/1.1 200 ")


async def test_two_hosts_are_one_too_many(served: Served) -> None:
    answer = await said_to(served.external, b"GET /livez HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"parameter":"Host"' in answer


@pytest.mark.parametrize("place", ["/v1/operations?cursor=abc", "/v1/events?after=abc"])
async def test_a_place_that_is_not_in_the_list_is_told_so(caller: httpx.AsyncClient, place: str) -> None:
    """That the document says 422 too, every test of a gateway looks after: tests/integration/declared.py."""
    problem(await caller.get(place), 422, "request-faulty")


async def test_what_comes_behind_a_body_is_no_header(served: Served) -> None:
    """Proxies in front of us strip and add headers; what stands behind the last chunk passes them unseen."""
    head = b"POST /v1/atp-checks HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    trailer = f"0\r\nauthorization: Bearer {token()}\r\nexpect: 100-continue\r\n\r\n".encode()
    answer = await said_to(served.external, head + b"2\r\n{}\r\n" + trailer)
    assert answer.startswith("HTTP/1.1 401 ")
    assert "credentials-missing" in answer


async def test_who_accepts_json_gets_the_problem_as_json(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/nothing", headers={"accept": "application/json"})
    problem(answer, 404, "route-unknown")
    assert answer.headers["content-type"] == "application/json"
