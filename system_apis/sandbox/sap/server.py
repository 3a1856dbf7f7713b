"""The application server in front of the services: logon, client, CSRF, `$batch`, and HTTP around all of it."""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import parse_qsl

from system_apis.sandbox.asgi import Receive, Scope, Send, read_body
from system_apis.sandbox.sap import errors, sales_order, simulation
from system_apis.sandbox.sap.batch import Batch
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.csrf import Sessions
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.model import load
from system_apis.sandbox.sap.service import Service
from system_apis.sandbox.sap.wire import Answer, Request
from system_apis.sandbox.world import World

USER, PASSWORD, CLIENT = "SANDBOX", "Welcome1", "100"
_ROOT = "/sap/opu/odata/sap/"
_SAFE = ("GET", "HEAD")
_LOGON = (
    b"<html><head><title>Logon failed</title></head><body><h1>401 Unauthorized</h1><p>Logon failed</p></body></html>"
)


class ApplicationServer:
    """An ASGI application: the ERP of this world over HTTP."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sessions = Sessions()
        orders, simulated = load(sales_order.SERVICE), load(simulation.SERVICE)
        self._services = {
            sales_order.SERVICE: Service(orders, sales_order.SalesOrders(orders)),
            simulation.SERVICE: Service(simulated, simulation.Simulation(simulated)),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing is awaited between the request's last byte and the answer's first: requests never interleave."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        cookies: list[str] = []
        answer = self._admit(scope, headers)
        if answer is None:
            answer = self._serve(scope, headers, body)
            if headers.get("x-csrf-token", "").lower() == "fetch":
                token, cookies = self.sessions.fetch(headers.get("cookie", ""))
                answer.headers["x-csrf-token"] = token
        await _send(send, scope["method"], answer, cookies)

    def _admit(self, scope: Scope, headers: dict[str, str]) -> Answer | None:
        """The answer to who may not come in, or to a change without its token."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        client = headers.get("sap-client") or query.get("sap-client") or CLIENT
        if not _logged_on(headers.get("authorization", "")) or client != CLIENT:
            challenge = f'Basic realm="SAP NetWeaver Application Server [S4H/{client[:3]}]"'
            return Answer(401, _LOGON, {"content-type": "text/html;charset=utf-8", "www-authenticate": challenge})
        token = headers.get("x-csrf-token", "")
        if scope["method"] not in _SAFE and not self.sessions.admit(headers.get("cookie", ""), token):
            wrong = {"content-type": "text/plain;charset=utf-8", "x-csrf-token": "Required"}
            return Answer(403, b"CSRF token validation failed", wrong)
        return None

    def _serve(self, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        name, _, path = scope["path"].removeprefix(_ROOT).partition("/")
        service = self._services.get(name) if scope["path"].startswith(_ROOT) else None
        if service is None:
            return Answer(404, b"<html><body><h1>404 Not found</h1></body></html>", {"content-type": "text/html"})
        root = f"{scope['scheme']}://{headers.get('host', 'localhost')}{_ROOT}{name}"
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(scope["method"], root, path, dict(pairs), headers, body)
        try:
            if path.strip("/") == "$batch":
                if request.method != "POST":
                    raise refused(405, "/IWFND/CM_MGW/405", "A batch is sent with POST")
                return Batch(service.handle, _explained, lambda: Changes(self._world)).run(request)
            changes = Changes(self._world)
            answer = service.handle(request, changes)
            changes.commit()
        except Refused as refusal:
            return _explained(refusal, request)
        return answer


def _explained(refusal: Refused, request: Request) -> Answer:
    json = request.wants_json
    service = request.root.rpartition("/")[2]
    body = errors.as_json(refusal, service) if json else errors.as_xml(refusal)
    return Answer(refusal.status, body, {"content-type": "application/json" if json else "application/xml"})


def _logged_on(authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    try:
        sent = base64.b64decode(credentials, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        return False
    return secrets.compare_digest(sent, f"{USER}:{PASSWORD}".encode())


async def _send(send: Send, method: str, answer: Answer, cookies: list[str]) -> None:
    fields = {"sap-server": "true", "dataserviceversion": "2.0", "cache-control": "no-store, no-cache"} | answer.headers
    if answer.status != 204:  # noqa: PLR2004 - the only answer without content
        fields["content-length"] = str(len(answer.body))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    raw += [(b"set-cookie", cookie.encode()) for cookie in cookies]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
