"""Salesforce's REST API in miniature: log-in, query, rows, composite."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from system_apis.sandbox.asgi import App, Receive, Scope, Send, header, read_body, reply
from system_apis.sandbox.salesforce import composite, rest
from system_apis.sandbox.salesforce.errors import CrmError
from system_apis.sandbox.salesforce.records import Crm
from system_apis.sandbox.salesforce.session import Sessions
from system_apis.sandbox.salesforce.wire import Answer, Call, decode

_JSON = "application/json;charset=UTF-8"


def app(crm: Crm, sessions: Sessions) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path, body = scope["raw_path"].decode("latin-1"), await read_body(receive)
        if path.rstrip("/") == "/services/data":
            await _send(send, Answer(200, rest.versions()))
        elif path.startswith("/services/oauth2/"):
            status, made = _oauth(sessions, scope, path, body)
            await _send(send, Answer(status, made, {"Cache-Control": "no-store"}))
        else:
            sessions.calls += 1
            made_of = _data(crm, sessions, scope, path, body)
            await _send(send, made_of, {"Sforce-Limit-Info": f"api-usage={sessions.calls}/{rest.DAILY_LIMIT}"})

    return answer


def _oauth(sessions: Sessions, scope: Scope, path: str, body: bytes) -> tuple[int, dict[str, Any] | None]:
    if scope["method"] == "POST" and path == "/services/oauth2/revoke":
        return sessions.revoke(scope["query_string"], body)
    if scope["method"] != "POST" or path != "/services/oauth2/token":
        return 404, {"error": "not_found"}
    here = f"{scope['scheme']}://{header(scope, 'host')}"
    return sessions.log_in(header(scope, "authorization"), body, here)


def _data(crm: Crm, sessions: Sessions, scope: Scope, path: str, body: bytes) -> Answer:
    if not sessions.alive(header(scope, "authorization")):
        return Answer(401, CrmError(401, "INVALID_SESSION_ID", "Session expired or invalid").body())
    try:
        version, below = rest.split(path)
        decoded = decode(body)
        if scope["method"] == "POST" and below in composite.RESOURCES:
            return composite.RESOURCES[below](crm, decoded)
        if below == "/limits":
            return rest.limits(sessions.calls)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return rest.serve(crm, Call(scope["method"], version, below, query, decoded, headers))
    except CrmError as wrong:
        return Answer(wrong.status, wrong.body())


async def _send(send: Send, answer: Answer, extra: dict[str, str] | None = None) -> None:
    body = b"" if answer.body is None else msgspec.json.encode(answer.body)
    await reply(send, answer.status, body, _JSON, answer.headers | (extra or {}))
