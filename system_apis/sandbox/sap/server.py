"""The application server in front of the services: logon, client, CSRF, `$batch`, and HTTP around all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from system_apis.sandbox.asgi import Receive, Scope, Send, read_body
from system_apis.sandbox.sap.batch import Batch
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.csrf import Sessions
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.installed import V4_ROOTS, Installed, SalesOrderService
from system_apis.sandbox.sap.logon import CLIENT, TOKEN_PATH, Logon
from system_apis.sandbox.sap.manner import Spoken
from system_apis.sandbox.sap.repeatability import Repeatability
from system_apis.sandbox.sap.wire import Answer, Request
from system_apis.sandbox.world import World

_SAFE = ("GET", "HEAD")
_ORDER = re.compile(rb"SalesOrder(?:[=(](?:'|%27)|(?:Item|ScheduleLine|Partner)?/)0*(\d+)")
"""A number of an order in an address of V2 or V4, in a path or in the lines of a batch."""


class ApplicationServer:
    """An ASGI application: the ERP of this world over HTTP."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sessions, self.logon, self.repeatability = Sessions(), Logon(), Repeatability()
        self._installed = Installed()

    def configure(
        self,
        *,
        page_size: int | None = None,
        repeatability: bool = False,
        sales_order: SalesOrderService | None = None,
    ) -> None:
        """Rows per page for every service (nothing: as SAP ships them), whether Basis has activated repeats, and
        which sales order services it has (nothing: as it is)."""
        self.repeatability.forget()
        self.repeatability.on = repeatability
        self._installed.configure(page_size, sales_order)

    def edited_by_hand(self, path: str, body: bytes) -> None:
        """Somebody saves every order that a request names, just before the request is handled."""
        for number in dict.fromkeys(_ORDER.findall(path.encode() + b"\n" + body)):
            order = self._world.orders.get(number.decode())
            if order is not None:
                order.changed_at = self._world.stamp()
                order.other["ShippingCondition"] = "02"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing is awaited between the request's last byte and the answer's first: requests never interleave."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        cookies: list[str] = []
        if (scope["method"], scope["path"]) == ("POST", TOKEN_PATH):
            await _send(send, scope, self.logon.issue(headers.get("authorization", ""), body), cookies)
            return
        answer = self._admit(scope, headers)
        if answer is None:
            answer = self._serve(scope, headers, body)
            if headers.get("x-csrf-token", "").lower() == "fetch":
                token, cookies = self.sessions.fetch(headers.get("cookie", ""))
                answer.headers["x-csrf-token"] = token
        await _send(send, scope, answer, cookies)

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> Answer | None:
        """The answer to who may not come in, or to a change without its token."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        client = headers.get("sap-client") or query.get("sap-client") or CLIENT
        sent = headers.get("authorization", "")
        if not self.logon.admits(sent) or client != CLIENT:
            return self.logon.refusal(sent, client)
        token = headers.get("x-csrf-token", "")
        if scope["method"] not in _SAFE and not self.sessions.admit(headers.get("cookie", ""), token):
            wrong = {"content-type": "text/plain;charset=utf-8", "x-csrf-token": "Required"}
            return Answer(403, b"CSRF token validation failed", wrong)
        return None

    def _serve(self, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        found = self._installed.found(scope["path"])
        if found is None:
            return Answer(404, b"<html><body><h1>404 Not found</h1></body></html>", {"content-type": "text/html"})
        path, service = found
        root = f"{scope['scheme']}://{headers.get('host', 'localhost')}{path}"
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(scope["method"], root, scope["path"].removeprefix(path), dict(pairs), headers, body)
        try:
            missing = self._installed.missing(path)
            if missing is not None:
                raise missing
            if request.method in _SAFE:
                return service.handle(request, Changes(self._world))
            if not service.manner.repeats:
                return self._changed(service, request)
            return self.repeatability.once(headers, lambda: self._changed(service, request))
        except Refused as refusal:
            return service.explain(refusal, request)

    def _changed(self, service: Spoken, request: Request) -> Answer:
        if request.path.strip("/") == "$batch":
            if request.method != "POST":
                raise refused(405, "/IWFND/CM_MGW/405", "A batch is sent with POST")
            return Batch(service, lambda: Changes(self._world)).run(request)
        changes = Changes(self._world)
        answer = service.handle(request, changes)
        changes.commit()
        return answer


async def _send(send: Send, scope: Scope, answer: Answer, cookies: list[str]) -> None:
    version = {"odata-version": "4.0"} if scope["path"].startswith(V4_ROOTS) else {"dataserviceversion": "2.0"}
    fields = {"sap-server": "true", "cache-control": "no-store, no-cache"} | version | answer.headers
    if answer.status != 204:  # noqa: PLR2004 - the only answer without content
        fields["content-length"] = str(len(answer.body))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    raw += [(b"set-cookie", cookie.encode()) for cookie in cookies]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
