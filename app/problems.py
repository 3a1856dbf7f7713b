"""What HTTP makes of an error: the only place that knows. Bodies are RFC 9457 problems.

`answer_to` turns any exception into status, headers and body. An exception that has no row is ours to mend: it is
logged with the call's id and answered by a 500 that says nothing about it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.problem_rows import REALM, Row
from app.problem_table import ROWS
from app.shell.trace import Trail
from policies.errors import PolicyRefusal
from process_apis.errors import BusinessRefusal, Fault
from system_apis.errors import UpstreamError

TYPE_BASE = "https://ordergate.example/docs/problems#"
"""Where types lead in documents, which know of no installation; an answer names the door it came through."""
PROBLEM_JSON = "application/problem+json"
JSON = "application/json"

log = logging.getLogger("ordergate.problems")
_ENCODER = msgspec.json.Encoder(decimal_format="string")
UNFORESEEN = Row(500, "internal-error", "Something went wrong here", "This is ours to mend; name the instance to us.")


class Problem(Struct, frozen=True, rename="camel"):
    """Why a call was not answered as asked (RFC 9457). `code` is stable and for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    correlation_id: str
    errors: tuple[Fault, ...] | UnsetType = UNSET
    retry_after_seconds: int | UnsetType = UNSET
    violated_policies: tuple[str, ...] | UnsetType = msgspec.field(name="violated-policies", default=UNSET)
    parameter: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    current_etag: str | UnsetType = UNSET
    current_version: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    operation_id: str | UnsetType = UNSET
    change_request_id: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    href: str | UnsetType = UNSET
    system: str | UnsetType = UNSET


def problem_of(error: BaseException, trail: Trail, type_base: str = TYPE_BASE) -> tuple[Problem, dict[str, str]]:
    """The problem and the headers that go with it."""
    error = most_telling(error)
    row = row_of(error)
    if row is UNFORESEEN:
        log.error("unforeseen error", exc_info=error, extra={"request_id": trail.request_id})
    facts = row.facts(error)
    headers = dict(row.headers(error))
    if row.retry_after is not None and (seconds := row.retry_after(error)) is not None:
        facts["retry_after_seconds"] = seconds
        headers["retry-after"] = str(seconds)
    problem = Problem(
        type=row.type_uri or type_base + row.code,
        title=row.title,
        status=row.status,
        detail=row.detail(error) if callable(row.detail) else row.detail,
        instance=trail.request_id,
        code=row.code,
        trace_id=trail.trace_id,
        correlation_id=trail.correlation_id,
        **facts,
    )
    return problem, headers


Heard = Callable[[BaseException, "Problem", Trail], None]
"""Told of every problem that leaves, with the error behind it."""


def say_nothing(_error: BaseException, _problem: Problem, _trail: Trail) -> None:
    """Nobody listens."""


def answer_to(
    error: BaseException,
    trail: Trail,
    accept: str,
    resource_metadata: str,
    *,
    heard: Heard = say_nothing,
    type_base: str = TYPE_BASE,
) -> tuple[int, Any, bytes]:
    """Status, headers and body of the answer to an error.

    `accept` is the caller's Accept header; `resource_metadata` the address that a challenge points to (RFC 9728 §5.1);
    `type_base` is what the page of problems is reached by, up to the code.
    """
    problem, headers = problem_of(error, trail, type_base)
    heard(most_telling(error), problem, trail)
    if (challenge := headers.get("www-authenticate", "")).startswith("Bearer "):
        told = f'{REALM}, resource_metadata="{resource_metadata}"'
        headers["www-authenticate"] = challenge.replace(REALM, told, 1)
    headers = {**trail.answer_headers, **headers}
    headers |= {"content-type": media_type_for(accept), "cache-control": "no-store", "content-language": "en"}
    return problem.status, headers, _ENCODER.encode(problem)


def media_type_for(accept: str) -> str:
    """application/json for those who accept that and no problem type (CRM tools), else application/problem+json."""
    named = {each.split(";")[0].strip().lower() for each in accept.split(",")}
    return JSON if JSON in named and PROBLEM_JSON not in named else PROBLEM_JSON


def row_of(error: BaseException) -> Row:
    """The row of the error's own class, or of the nearest one above it."""
    return next((ROWS[each] for each in type(error).__mro__ if each in ROWS), UNFORESEEN)


def most_telling(error: BaseException) -> BaseException:
    """Of a group (asyncio.TaskGroup raises them) the one to report: what the caller can mend before what we must."""
    leaves = list(_leaves(error))
    for kind in (PolicyRefusal, BusinessRefusal):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    unforeseen = [leaf for leaf in leaves if not isinstance(leaf, UpstreamError) and row_of(leaf) is UNFORESEEN]
    return (unforeseen or leaves)[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
