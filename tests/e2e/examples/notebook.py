"""Notes what is said at the doors of a gateway, in the form in which the documents show it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.cli.pair import Gateway, Sandbox, access_token
from app.contract_examples import REQUEST
from app.internal_routes import INTERNAL
from app.routes import PUBLIC

Json = dict[str, Any]
ROUTES = {route.operation_id: route for route in (*PUBLIC, *INTERNAL)}
LONGEST = 96
"""Tokens and versions are longer than anybody reads; the rest of them is left out."""
SECRET = "ogate_live_…"


@dataclass
class Notebook:
    """By operationId, then by `request` or status, then by name."""

    pages: dict[str, dict[str, Json]] = field(default_factory=dict)

    def note(self, operation_id: str, part: str, name: str, summary: str, value: Any) -> None:
        page = self.pages.setdefault(operation_id, {})
        page.setdefault(part, {})[name] = {"summary": summary, "value": shortened(value)}


@dataclass
class Speaker:
    """Somebody who calls, and has noted what was worth showing."""

    name: str
    book: Notebook
    http: httpx.Client
    internal: bool

    def say(
        self,
        operation_id: str,
        title: tuple[str, str] | None = None,
        *,
        asking: tuple[str, str] | None = None,
        body: Any = None,
        query: dict[str, Any] | None = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        **place: str,
    ) -> Any:
        """The answer. With `title` (name, summary) it is noted, and so is the body with `asking`."""
        route = ROUTES[operation_id]
        sent = {**({"idempotency-key": str(uuid.uuid4())} if route.sheet.once else {}), **(headers or {})}
        answer = self.http.request(route.method, route.path.format(**place), json=body, params=query, headers=sent)
        expected = status or route.statuses[0]
        assert answer.status_code == expected, f"{operation_id}: {answer.status_code} {answer.text}"
        if asking:
            self.book.note(operation_id, REQUEST, *asking, body)
        if title:
            self.book.note(operation_id, str(answer.status_code), *title, answer.json())
        return answer.json()


def speaker(name: str, secret: str, book: Notebook, sandbox: Sandbox, gateway: Gateway) -> Speaker:
    internal = name in ("operator", "key-admin", "auditor")
    token = access_token(sandbox.issuer, name, secret)
    http = httpx.Client(
        base_url=gateway.internal_url if internal else gateway.url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=40,
        trust_env=False,
    )
    return Speaker(name, book, http, internal)


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: SECRET if name == "secret" and each else shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shortened(each) for each in value]
    if isinstance(value, str) and len(value) > LONGEST and " " not in value:
        return value[:LONGEST] + "…"
    return value
