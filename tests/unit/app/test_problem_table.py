"""The table that turns errors into HTTP: complete, consistent, and silent about what is nobody's business."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from app import problems
from app.errors import BodyMalformed, EdgeRefusal, MethodUnknown
from app.problem_table import ROWS
from app.shell.trace import Trail
from policies.errors import (
    CredentialsMissing,
    KeyInvalid,
    LimitSpent,
    NotVisible,
    PolicyRefusal,
    ScopeMissing,
    TokenInvalid,
)
from process_apis.errors import (
    BusinessRefusal,
    Fault,
    LinesAlreadyConverted,
    NoSuchThing,
    QueueFull,
    QuoteLinesOrdered,
    RequestFaulty,
)
from system_apis.errors import NotFoundInSystem, SystemTimeout, SystemUnavailable, UpstreamError

METADATA = "https://gateway.example/.well-known/oauth-protected-resource"
TRAIL = Trail(request_id="urn:uuid:1", correlation_id="c-1", trace_id="t" * 32)


def leaves(root: type[BaseException]) -> set[type[BaseException]]:
    below = root.__subclasses__()
    return {root} if not below else set().union(*(leaves(each) for each in below))


def answer(error: BaseException, accept: str = "*/*") -> tuple[int, dict[str, str], dict[str, object]]:
    status, headers, body = problems.answer_to(error, TRAIL, accept, METADATA)
    return status, headers, msgspec.json.decode(body)


@pytest.mark.parametrize("tree", [EdgeRefusal, PolicyRefusal, BusinessRefusal, UpstreamError])
def test_every_leaf_error_has_a_row_of_its_own(tree: type[BaseException]) -> None:
    missing = {each.__name__ for each in leaves(tree)} - {each.__name__ for each in ROWS}
    assert missing == set()


def test_a_code_has_one_status_one_title_and_one_type() -> None:
    seen: dict[str, tuple[int, str, str]] = {}
    for row in ROWS.values():
        assert seen.setdefault(row.code, (row.status, row.title, row.type_uri)) == (row.status, row.title, row.type_uri)


def test_a_code_is_kebab_case_and_a_status_is_an_error() -> None:
    for row in ROWS.values():
        assert row.code == row.code.lower()
        assert row.code.replace("-", "").isalpha()
        assert 400 <= row.status < 600


def test_a_problem_carries_all_its_members() -> None:
    status, headers, body = answer(RequestFaulty((Fault("#/lines/0/lineId", "used before", "duplicate-lineId"),)))
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert body == {
        "type": "https://ordergate.example/docs/problems#request-faulty",
        "title": "The request breaks rules",
        "status": 422,
        "detail": "1 fault(s), each named under errors.",
        "instance": "urn:uuid:1",
        "code": "request-faulty",
        "traceId": "t" * 32,
        "correlationId": "c-1",
        "errors": [{"pointer": "#/lines/0/lineId", "detail": "used before", "code": "duplicate-lineId"}],
    }


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.5", "application/json"),
        ("application/json, application/problem+json", "application/problem+json"),
    ],
)
def test_who_accepts_only_json_gets_json(accept: str, media_type: str) -> None:
    assert answer(NoSuchThing("order", "1"), accept)[1]["content-type"] == media_type


def test_unknown_and_foreign_are_the_same() -> None:
    unknown, foreign = answer(NoSuchThing("order", "1")), answer(NotVisible("quote", "2"))
    in_system = answer(NotFoundInSystem("sap", "s4", "read an order", "X/1", "no such order 4711", 404))
    assert unknown == foreign == in_system


def test_a_spent_limit_says_when_to_come_again_in_header_and_body() -> None:
    status, headers, body = answer(LimitSpent(("default",), 7, (("RateLimit", '"default";r=0;t=7'),)))
    assert (status, headers["retry-after"], body["retryAfterSeconds"]) == (429, "7", 7)
    assert headers["ratelimit"] == '"default";r=0;t=7'
    assert body["violated-policies"] == ["default"]


def test_a_system_that_asks_for_patience_is_heard() -> None:
    _, headers, body = answer(SystemUnavailable("sap", "s4", "simulate", "", retry_after_s=11.2))
    assert (headers["retry-after"], body["retryAfterSeconds"]) == ("12", 12)


def test_a_challenge_names_the_fault_the_scope_and_where_to_look() -> None:
    _, headers, _ = answer(TokenInvalid('it is "forged"\\'))
    assert headers["www-authenticate"] == (
        f'Bearer realm="ordergate", resource_metadata="{METADATA}", '
        'error="invalid_token", error_description="it is \'forged\'\'"'
    )
    assert 'scope="orders:write"' in answer(ScopeMissing("orders:write"))[1]["www-authenticate"]


def test_who_comes_with_a_key_is_challenged_for_a_key_and_nobody_for_both() -> None:
    assert answer(KeyInvalid("the key was revoked"))[1]["www-authenticate"] == 'ApiKey realm="ordergate"'
    assert "www-authenticate" not in answer(ScopeMissing("orders:write", "apiKey"))[1]
    assert answer(CredentialsMissing())[1]["www-authenticate"] == (
        f'Bearer realm="ordergate", resource_metadata="{METADATA}", ApiKey realm="ordergate"'
    )


def test_an_unknown_method_names_those_there_are() -> None:
    assert answer(MethodUnknown("PUT", ("GET", "HEAD")))[1]["allow"] == "GET, HEAD"


def test_no_word_of_a_neighbour_leaves_the_house() -> None:
    said = str(answer(SystemUnavailable("sap", "s4-1710", "simulate", "dump in Z_SECRET at 10.0.0.7")))
    assert "Z_SECRET" not in said
    assert "s4-1710" not in said


def test_an_unforeseen_error_is_logged_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "ordergate.problems"):
        status, _, body = answer(ZeroDivisionError("secret"))
    assert (status, body["code"]) == (500, "internal-error")
    assert "secret" not in str(body)
    assert caplog.records[0].request_id == "urn:uuid:1"  # type: ignore[attr-defined]


async def test_of_a_group_the_callers_own_fault_is_told() -> None:
    async def fail(error: Exception) -> None:
        raise error

    fault = BodyMalformed(Fault("#", "x", "y"))
    with pytest.raises(ExceptionGroup) as group:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail(SystemTimeout("sap", "s4", "simulate")))
            tasks.create_task(fail(ExceptionGroup("inner", [NoSuchThing("order", "1"), fault])))
    assert answer(group.value)[2]["code"] == "not-found"


def test_of_a_group_what_we_must_mend_is_not_hidden_by_a_slow_system() -> None:
    group = ExceptionGroup("both", [SystemTimeout("sap", "s4", "simulate"), KeyError("bug")])
    assert answer(group)[0] == 500


def test_a_full_queue_says_for_whom_and_when_to_come_back() -> None:
    status, headers, told = answer(QueueFull("erp", 1000, 120.0, 30.0))
    assert (status, headers["retry-after"], told["code"], told["system"]) == (503, "30", "queue-full", "ERP")
    assert told["retryAfterSeconds"] == 30


def test_lines_that_are_taken_are_refused_with_a_link_to_who_has_them() -> None:
    status, _, told = answer(LinesAlreadyConverted("0Q0", "op_1"))
    assert (status, told["href"]) == (409, "/v1/operations/op_1")
    status, _, told = answer(QuoteLinesOrdered("0Q0", ("a",), "s4-1710.4711"))
    assert (status, told["code"], told["href"]) == (409, "lines-already-ordered", "/v1/orders/s4-1710.4711")
    assert "href" not in answer(QuoteLinesOrdered("0Q0", ("a",), None))[2]
