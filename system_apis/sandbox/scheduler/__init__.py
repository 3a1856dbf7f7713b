"""A production scheduler that answers the scheduler API."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from system_apis.sandbox.asgi import App, Receive, Scope, Send, header, read_body, reply
from system_apis.sandbox.scheduler.shopfloor import COMMITMENTS, MAX_LINES, Shopfloor, etag
from system_apis.sandbox.scheduler.words import Commitments, CommitWanted, Refused, ScenarioWanted
from system_apis.sandbox.world.plants import PLANTS

API_KEY = "scheduler-sandbox-key"

__all__ = ["Shopfloor", "app"]


def app(shopfloor: Shopfloor) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, made = _route(shopfloor, scope, await read_body(receive))
        except Refused as refused:
            status, made = refused.status, {"code": refused.code, "message": refused.message}
        except msgspec.ValidationError as wrong:
            status, made = 422, {"code": "bodyInvalid", "message": str(wrong)}
        except msgspec.DecodeError as wrong:
            status, made = 400, {"code": "bodyMalformed", "message": str(wrong)}
        headers = {"etag": etag(made) or ""} if isinstance(made, Commitments) else {}
        await reply(send, status, b"" if made is None else msgspec.json.encode(made), headers=headers)

    return answer


def _route(shopfloor: Shopfloor, scope: Scope, body: bytes) -> tuple[int, Any]:
    if header(scope, "x-api-key") != API_KEY:
        raise Refused(401, "keyInvalid", "X-API-Key is missing or unknown.")
    match (scope["method"], scope["path"]):
        case ("GET", "/v1/health"):
            return 200, {"status": "up"} | shopfloor.facts()
        case ("GET", "/v1/capabilities"):
            abilities = {"simulate": True, "maxLines": MAX_LINES, "changes": True}
            facts = {"product": "Sandbox Scheduler", "apiVersion": "1", "plants": list(PLANTS)} | abilities
            return 200, facts | {"frozenUntil": shopfloor.frozen_until()} | shopfloor.facts()
        case ("GET", "/v1/commitments"):
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            return 200, shopfloor.changes(query.get("since", ""), query.get("limit", "100"))
        case ("POST", "/v1/scenarios"):
            return 201, shopfloor.simulate(msgspec.json.decode(body, type=ScenarioWanted))
        case ("DELETE", path) if found := re.fullmatch(r"/v1/scenarios/([^/]+)", path):
            shopfloor.discard(found[1])
            return 204, None
        case (method, path) if found := COMMITMENTS.fullmatch(path):
            return _route_commitments(shopfloor, method, found[1], scope, body)
    raise Refused(404, "notFound", f"{scope['method']} {scope['path']} is not served here.")


def _route_commitments(shopfloor: Shopfloor, method: str, order: str, scope: Scope, body: bytes) -> tuple[int, Any]:
    match method:
        case "GET":
            return 200, shopfloor.commitments(order)
        case "DELETE":
            shopfloor.release(order)
            return 204, None
        case "PUT":
            status = 200 if order in shopfloor.orders else 201
            wanted = msgspec.json.decode(body, type=CommitWanted)
            conditions = header(scope, "if-match"), header(scope, "if-none-match")
            return status, shopfloor.commit(order, wanted.scenario_id, *conditions)
    raise Refused(405, "methodNotAllowed", f"{method} is not served on commitments.")
