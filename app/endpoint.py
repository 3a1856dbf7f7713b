"""The one adapter between a route and Litestar: a request becomes a Call, runs the stack, leaves as an answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from app.conditions import as_etag, not_modified, patience_of, timeout_of
from app.decoding import check_media_type, decode, decode_query
from app.encoding import to_json
from app.errors import DeadlinePassed
from app.route import Process, Route, bound, snake
from app.shell.asgi import Scope
from app.shell.trace import Trail, trail_of
from policies.answer import Answer
from policies.call import Call
from policies.clients import Client
from policies.credential import Credential
from policies.idempotency import REPLAYED, Claim
from policies.stack import Stack
from policies.store import store_answers
from process_apis.caller import Caller
from process_apis.errors import NoSuchThing
from system_apis.deadline import Deadline

JSON = "application/json"
ACCEPTED = 202
LONGEST_ID = 128
GRACE_S = 1.0
"""How long past its deadline a read may still take to put its answer together."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What every endpoint shares."""

    stack: Stack
    now: Callable[[], datetime]
    default_deadline_s: float


def handler_for(route: Route, parts: Mapping[str, Any], edge: Edge) -> HTTPRouteHandler:
    """The Litestar handler that serves the route; its processes get the parts that they name."""
    process = bound(route.process, parts)
    monitor = bound(route.monitor[1], parts) if route.monitor else None

    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        scope: Scope = request.scope  # type: ignore[assignment]  # the same dict, typed by Litestar
        trail = trail_of(scope)
        trail.route = route.path
        call = call_of(scope, await request.body(), route, trail, edge.now())
        trail.call = call
        answer = await Visit(route, process, monitor, edge, call, scope["query_string"], trail).run()
        return ASGIResponse(body=answer.body, status_code=answer.status, headers=answer.headers)

    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", f"{{{name}:str}}")
    return HTTPRouteHandler(path, http_method=route.method, status_code=200, name=route.operation_id)(handle)


def call_of(scope: Scope, body: bytes, route: Route, trail: Trail, now: datetime) -> Call:
    """The request in the words of the policies."""
    listed = tuple((str(name, "latin-1"), str(value, "latin-1")) for name, value in scope["headers"])
    return Call(
        id=trail.request_id,
        correlation_id=trail.correlation_id,
        method=route.method,
        route=route.path,
        path_params=dict(scope["path_params"]),
        query=dict(reversed(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))),
        headers=dict(reversed(listed)),
        header_list=listed,
        client_address=(scope.get("client") or ("",))[0],
        body=body,
        received_at=now,
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """One call on its way through the stack: how its body is read, its process asked, its answer written."""

    route: Route
    process: Process
    monitor: Process | None
    edge: Edge
    call: Call
    raw_query: bytes
    trail: Trail

    async def run(self) -> Answer:
        answer = await self.edge.stack.run(
            self.call,
            self.route.sheet,
            decode=self.decode,
            visible=self.visible,
            process=self.ask,
            encode=self.encode,
            renew=self.look_again if self.monitor else None,
        )
        patience = patience_of(self.header("prefer"))
        if patience is None or ACCEPTED not in self.route.statuses or REPLAYED.items() <= answer.headers.items():
            return answer  # a replay waits for nothing
        # what was followed, not all that was wished
        return answer.with_headers({"preference-applied": f"wait={patience:.0f}"})

    def decode(self, body: bytes) -> Any:
        """The request in the body; what else the call says is read here too, so that its faults cost the same."""
        timeout_of(self.header("x-request-timeout-ms"))
        self.parameters()
        if self.route.takes is None or (self.route.body_optional and not body):
            return None
        check_media_type(self.header("content-type"), self.header("content-encoding"))
        return decode(body, self.route.takes, strictly_once=self.route.sheet.once)

    def parameters(self) -> dict[str, Any]:
        """The parameters of path and query, by the names that the process gives them."""
        in_query = decode_query(self.raw_query, self.route.query or NoQuery)
        return {snake(name): value for name, value in self.call.path_params.items()} | msgspec.structs.asdict(in_query)

    def visible(self, _client: Client, _request: Any) -> None:
        """An id that no system could have made is nobody's; whose the others are, the processes know."""
        for name, value in self.call.path_params.items():
            if not (value.isascii() and value.isprintable() and len(value) <= LONGEST_ID):
                raise NoSuchThing(name, "unreadable id")

    async def ask(self, credential: Credential, request: Any, claim: Claim | None) -> Any:
        parameters = self.parameters()
        deadline = self.deadline(request)
        caller = Caller(
            client=credential.client,
            credential=credential.name,
            correlation_id=self.call.correlation_id,
            deadline=deadline,
            claim=claim,
            if_match=self.header("if-match").strip() if self.route.sheet.if_match else None,
            wait_s=patience_of(self.header("prefer")),
        )
        with store_answers():
            if self.route.sheet.once:  # what starts or decides something is never cut short half-way
                return await self.process(caller, request, **parameters)
            try:
                async with asyncio.timeout(deadline.remaining_s + GRACE_S):
                    return await self.process(caller, request, **parameters)
            except TimeoutError:
                raise DeadlinePassed("no answer within the deadline") from None

    async def look_again(self, credential: Credential, subject: str) -> Any:
        """What an answer that said "under way" was about, as it stands now: nothing is started, nothing waited for."""
        if self.route.monitor is None or self.monitor is None:
            raise LookupError(f"{self.route.operation_id} names no monitor")
        caller = Caller(
            client=credential.client,
            credential=credential.name,
            correlation_id=self.call.correlation_id,
            deadline=self.deadline(None),
        )
        taken = inspect.signature(self.route.monitor[1]).parameters
        place = {snake(name): value for name, value in self.call.path_params.items() if snake(name) in taken}
        with store_answers():
            return await self.monitor(caller, None, **place | {self.route.monitor[0]: subject})

    def deadline(self, request: Any) -> Deadline:
        """The soonest of what the header and the body ask for; the configured one where neither does.

        Who prefers to wait gets the time for it, unless another deadline is named.
        """
        in_body = getattr(request, "deadline_ms", None)
        asked = [timeout_of(self.header("x-request-timeout-ms")), in_body / 1000 if in_body else None]
        patience = patience_of(self.header("prefer"))
        usual = max(self.edge.default_deadline_s, patience + GRACE_S if patience else 0)
        return Deadline.after(min([each for each in asked if each is not None] or [usual]))

    def encode(self, view: Any) -> Answer:
        status = self.route.status_of(view)
        headers = {"content-type": JSON, "cache-control": "no-store", "content-language": "en"}
        if etag := getattr(view, "etag", None):
            headers |= {"etag": as_etag(etag), "cache-control": "private, no-cache", "vary": "authorization, accept"}
            if self.route.method == "GET" and not_modified(self.header("if-none-match"), headers["etag"]):
                del headers["content-type"]
                return Answer(304, headers)
        if self.route.method == "POST" and status != 200 and (href := getattr(view, "href", None)):  # noqa: PLR2004
            headers["location"] = href
        if status == ACCEPTED and (seconds := getattr(view, "retry_after_seconds", None)):
            headers["retry-after"] = str(seconds)
        return Answer(status, headers, to_json(view))

    def header(self, name: str) -> str:
        return self.call.headers.get(name, "")


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route without query parameters refuses all of them."""
