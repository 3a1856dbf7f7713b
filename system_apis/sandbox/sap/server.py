"""The application server in front of the services: logon, client, CSRF, `$batch`, and HTTP around all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from system_apis.sandbox.asgi import Receive, Scope, Send, read_body
from system_apis.sandbox.sap import engineering, errors, product_availability, sales_order, simulation
from system_apis.sandbox.sap.batch import Batch
from system_apis.sandbox.sap.catalogue import Catalogue
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.csrf import Sessions
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.logon import CLIENT, TOKEN_PATH, Logon
from system_apis.sandbox.sap.model import load
from system_apis.sandbox.sap.product_availability import ProductAvailability
from system_apis.sandbox.sap.records import SOURCES
from system_apis.sandbox.sap.repeatability import Repeatability
from system_apis.sandbox.sap.sales_order import SalesOrders
from system_apis.sandbox.sap.service import Service
from system_apis.sandbox.sap.simulation import Simulation
from system_apis.sandbox.sap.wire import Answer, Request
from system_apis.sandbox.world import World

_ROOT = "/sap/opu/odata/sap/"
_SAFE = ("GET", "HEAD")
_PAGE_OF_ORDERS, _PAGE_OF_RECORDS = 1_000, 20
_ORDER = re.compile(rb"A_SalesOrder(?:Item|ScheduleLine)?\((?:SalesOrder=)?(?:'|%27)0*(\d+)")


class ApplicationServer:
    """An ASGI application: the ERP of this world over HTTP."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sessions, self.logon, self.repeatability = Sessions(), Logon(), Repeatability()
        orders, simulated, available = map(
            load, (sales_order.SERVICE, simulation.SERVICE, product_availability.SERVICE)
        )
        self._services = {
            sales_order.SERVICE: Service(orders, SalesOrders(orders), _PAGE_OF_ORDERS),
            simulation.SERVICE: Service(simulated, Simulation(simulated), _PAGE_OF_ORDERS),
            product_availability.SERVICE: Service(available, ProductAvailability(), _PAGE_OF_RECORDS),
        }
        for name, sources in (SOURCES | engineering.SOURCES).items():
            model = load(name)
            self._services[name] = Service(model, Catalogue(model, sources), _PAGE_OF_RECORDS)
        self._page_sizes = {name: service.page_size for name, service in self._services.items()}

    def configure(self, *, page_size: int | None = None, repeatability: bool = False) -> None:
        """Rows per page for every service (nothing: as SAP ships them), and whether Basis has activated repeats."""
        self.repeatability.forget()
        self.repeatability.on = repeatability
        for name, service in self._services.items():
            service.page_size = page_size or self._page_sizes[name]

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
            await _send(send, "POST", self.logon.issue(headers.get("authorization", ""), body), cookies)
            return
        answer = self._admit(scope, headers)
        if answer is None:
            answer = self._serve(scope, headers, body)
            if headers.get("x-csrf-token", "").lower() == "fetch":
                token, cookies = self.sessions.fetch(headers.get("cookie", ""))
                answer.headers["x-csrf-token"] = token
        await _send(send, scope["method"], answer, cookies)

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
        name, _, path = scope["path"].removeprefix(_ROOT).partition("/")
        service = self._services.get(name) if scope["path"].startswith(_ROOT) else None
        if service is None:
            return Answer(404, b"<html><body><h1>404 Not found</h1></body></html>", {"content-type": "text/html"})
        root = f"{scope['scheme']}://{headers.get('host', 'localhost')}{_ROOT}{name}"
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        request = Request(scope["method"], root, path, dict(pairs), headers, body)
        try:
            if request.method in _SAFE:
                return service.handle(request, Changes(self._world))
            return self.repeatability.once(headers, lambda: self._changed(service, request))
        except Refused as refusal:
            return _explained(refusal, request)

    def _changed(self, service: Service, request: Request) -> Answer:
        if request.path.strip("/") == "$batch":
            if request.method != "POST":
                raise refused(405, "/IWFND/CM_MGW/405", "A batch is sent with POST")
            return Batch(service.handle, _explained, lambda: Changes(self._world)).run(request)
        changes = Changes(self._world)
        answer = service.handle(request, changes)
        changes.commit()
        return answer


def _explained(refusal: Refused, request: Request) -> Answer:
    json = request.wants_json
    service = request.root.rpartition("/")[2]
    body = errors.as_json(refusal, service) if json else errors.as_xml(refusal)
    return Answer(refusal.status, body, {"content-type": "application/json" if json else "application/xml"})


async def _send(send: Send, method: str, answer: Answer, cookies: list[str]) -> None:
    fields = {"sap-server": "true", "dataserviceversion": "2.0", "cache-control": "no-store, no-cache"} | answer.headers
    if answer.status != 204:  # noqa: PLR2004 - the only answer without content
        fields["content-length"] = str(len(answer.body))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    raw += [(b"set-cookie", cookie.encode()) for cookie in cookies]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
