"""What every call gets: ids, traces, limits, challenges, headers; and what the open addresses say."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest

from app import contract
from app.routes import PUBLIC
from tests.integration.app.conftest import Served, token
from tests.integration.app.problems import problem
from tests.integration.app.test_bad_input import check, line, post
from tests.integration.app.wire import said_to

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_correlation_id_comes_back(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/events", headers={"X-Correlation-ID": "quote 4711/a"})
    assert answer.headers["x-correlation-id"] == "quote 4711/a"


@pytest.mark.parametrize("sent", ["", "x" * 129, "tab\there", "caf\xe9"])
async def test_a_correlation_id_that_is_none_is_replaced(nobody: httpx.AsyncClient, sent: str) -> None:
    answer = await nobody.get("/livez", headers={"X-Correlation-ID": sent.encode("latin-1")})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-correlation-id"])


async def test_ids_and_trace_go_on_to_every_neighbour(caller: httpx.AsyncClient, served: Served) -> None:
    before = len(served.neighbours.calls)
    await post(caller, check(line()), **{"x-correlation-id": "trail-1", "traceparent": PARENT, "baggage": "a=b"})
    asked = [
        call.request for call in list(served.neighbours.calls)[before:] if call.request.url.host != "issuer.example"
    ]
    assert {each.url.host for each in asked} >= {"sap.example"}
    for each in asked:
        assert each.headers["x-correlation-id"] == "trail-1"
        _, trace_id, parent_id, _ = each.headers["traceparent"].split("-")
        assert trace_id == "0af7651916cd43dd8448eb211c80319c"
        assert parent_id != "b7ad6b7169203331"
        assert "baggage" not in each.headers


async def test_a_problem_belongs_to_the_callers_trace(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/nothing", headers={"traceparent": PARENT})
    assert problem(answer, 404, "route-unknown")["traceId"] == "0af7651916cd43dd8448eb211c80319c"


async def test_a_broken_traceparent_starts_a_new_trace(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/nothing", headers={"traceparent": PARENT.upper()})
    assert problem(answer, 404, "route-unknown")["traceId"] != "0af7651916cd43dd8448eb211c80319c"


async def test_with_every_source_silent_no_promise_is_made(caller: httpx.AsyncClient) -> None:
    answer = await post(caller, check(line()))
    assert problem(answer, 503, "no-source-answered")["retryAfterSeconds"] == int(answer.headers["retry-after"])


async def test_limits_stand_on_answers_and_on_problems(caller: httpx.AsyncClient) -> None:
    good, bad = await caller.get("/v1/events"), await caller.get("/v1/events?limit=0")
    for answer in (good, bad):
        assert answer.headers["ratelimit-policy"] == '"default";q=600;w=60'
        assert re.fullmatch(r'"default";r=\d+;t=\d+', answer.headers["ratelimit"])


async def test_a_limit_tells_what_is_too_heavy_and_when_to_come_again(nobody: httpx.AsyncClient) -> None:
    """Three units a minute. What could never be let through costs one of them: a flood of it ends as well."""
    headers = {"Authorization": f"Bearer {token('trickle', scope='atp:read')}", "content-type": "application/json"}
    heavy = json.dumps(check(*(line(str(number)) for number in range(4))))
    told = await nobody.post("/v1/atp-checks", content=heavy, headers=headers)
    problem(told, 422, "weight-above-limit")
    assert told.headers["ratelimit"].startswith('"default";r=2;')
    body = json.dumps(check(line()))
    answers = [await nobody.post("/v1/atp-checks", content=body, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 429]
    said = problem(answers[2], 429, "quota-exceeded")
    assert said["violated-policies"] == ["default"]
    assert 0 < said["retryAfterSeconds"] == int(answers[2].headers["retry-after"]) <= 60
    again = await nobody.post("/v1/atp-checks", content=heavy, headers=headers)
    problem(again, 429, "quota-exceeded")


async def test_nobody_is_asked_who_he_is(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/v1/events")
    problem(answer, 401, "credentials-missing")
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="ordergate", resource_metadata="https://gateway.example/.well-known/oauth-protected-resource", '
        'ApiKey realm="ordergate"'
    )


async def test_a_forged_token_is_refused(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/v1/events", headers={"Authorization": f"Bearer {token()[:-6]}AAAAAA"})
    problem(answer, 401, "token-invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_missing_scope_is_named(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/v1/events", headers={"Authorization": f"Bearer {token(scope='atp:read')}"})
    assert problem(answer, 403, "scope-missing")["scope"] == "orders:read"
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_a_token_in_the_query_is_refused(nobody: httpx.AsyncClient) -> None:
    problem(await nobody.get(f"/v1/events?access_token={token()}"), 400, "credentials-malformed")


async def test_browsers_are_told_to_guess_nothing(nobody: httpx.AsyncClient) -> None:
    for path in ("/livez", "/nothing", "/docs"):
        headers = (await nobody.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


async def test_the_document_is_served_as_committed(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/openapi/v1.json")
    assert answer.text == contract.text()
    docs = (await nobody.get("/docs")).text
    assert "/openapi/v1.json" in docs
    assert [route.path for route in PUBLIC if route.path not in docs] == []


async def test_the_resource_metadata_names_the_issuer(nobody: httpx.AsyncClient) -> None:
    said = (await nobody.get("/.well-known/oauth-protected-resource")).json()
    # where a client looks that knows our identifier only (RFC 9728 §3.1): before the path of https://…/api
    assert (await nobody.get("/.well-known/oauth-protected-resource/api")).json() == said
    assert said["resource"] == "https://ordergate.example/api"
    assert said["authorization_servers"] == ["http://issuer.example"]
    assert {"atp:read", "orders:read"} <= set(said["scopes_supported"])
    assert said["bearer_methods_supported"] == ["header"]


async def test_a_call_leaves_one_line_with_its_ids(caller: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ordergate.access"):
        answer = await caller.get("/v1/events?after=", headers={"X-Correlation-ID": "log-1"})
    (record,) = [each for each in caplog.records if each.name == "ordergate.access"]
    assert (
        record.__dict__.items()
        >= {
            "method": "GET",
            "path": "/v1/events",
            "route": "/v1/events",
            "status": answer.status_code,
            "request_id": answer.headers["x-request-id"],
        }.items()
    )


async def test_a_body_that_does_not_arrive_is_given_up(served: Served) -> None:
    answer = await said_to(served.external, b"POST /v1/atp-checks HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
    assert answer.startswith("HTTP/1.1 408 ")
    assert '"code":"body-too-slow"' in answer
