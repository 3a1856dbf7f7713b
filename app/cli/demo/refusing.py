"""What the door does not let through, each with its problem (RFC 9457)."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from app.cli.demo.stage import Stage

FOREIGN_QUOTE = "Q-1002"
"""An approved quote of another dealer's customer."""
TRIES = 5
"""More calls than the client `trickle` may make in a minute."""


def refuse(stage: Stage, token: str, body: dict[str, Any]) -> None:
    """A forged token, a missing scope, a foreign quote, a spent limit, a member that nobody knows."""
    ask = "/v1/atp-checks"
    forged = stage.door.call("POST", ask, token=_forged(token), body=body)
    _is_problem(stage, "a forged token", forged, 401, "token-invalid")
    viewer = stage.token_of("viewer")
    _is_problem(stage, "a client without the scope", _convert(stage, viewer, "Q-1010"), 403, "scope-missing")
    foreign = _convert(stage, token, FOREIGN_QUOTE)
    _is_problem(stage, "another dealer's quote", foreign, 404, "not-found")
    unknown = stage.door.call("POST", ask, token=token, body={**body, "urgent": True})
    _is_problem(stage, "a member that nobody knows", unknown, 400, "body-malformed")
    fault = unknown.json()["errors"][0]["pointer"]
    stage.narrator.claim("the fault is named by its pointer, #/urgent", fault == "#/urgent", found=fault)
    _spend(stage, body)


def _spend(stage: Stage, body: dict[str, Any]) -> None:
    """The limit is weighted by lines, so one small line is asked again and again."""
    small = {**body, "lines": body["lines"][:1]}
    token = stage.token_of("trickle")
    answers = [stage.door.call("POST", "/v1/atp-checks", token=token, body=small, quiet=True) for _ in range(TRIES)]
    statuses = [answer.status_code for answer in answers]
    stage.narrator.say(f"POST /v1/atp-checks, {TRIES} times → {', '.join(map(str, statuses))}")
    _is_problem(stage, "a spent limit", answers[-1], 429, "quota-exceeded")
    wait = answers[-1].headers.get("retry-after", "")
    stage.narrator.claim(f"and says when to come again: in {wait or '?'} s", wait.isdigit(), found=wait)


def _convert(stage: Stage, token: str, quote_name: str) -> httpx.Response:
    quote_id = stage.witness.quote_id(quote_name)
    return stage.door.call(
        "POST",
        f"/v1/quotes/{quote_id}/order-conversions",
        token=token,
        body={"customerPo": "NEVER-1"},
        idempotency_key=str(uuid.uuid4()),
    )


def _forged(token: str) -> str:
    """The same claims under a signature that nobody made."""
    head, claims, signature = token.split(".")
    return ".".join((head, claims, signature[:-8] + ("A" * 8 if signature[-8:] != "A" * 8 else "B" * 8)))


def _is_problem(stage: Stage, who: str, answer: httpx.Response, status: int, code: str) -> None:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    found = f"{answer.status_code} {problem.get('code')}"
    told = answer.headers.get("content-type", "").startswith("application/problem+json")
    stage.narrator.claim(f"{who}: {status} {code}", told and found == f"{status} {code}", found=found)
    stage.narrator.say(f"  “{problem['title']}. {problem['detail']}”")
