"""A tiny scheduler on a socket, right in everything but the one thing that a test asks to be wrong."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "shim-key"
TODAY = date(2030, 3, 10)
HORIZON = 60
PER_DAY = Decimal(10)
MOST_LINES = 50
Json = dict[str, Any]
Held = list[tuple[str, date, Decimal]]


class No(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Shim:
    """Ten FG1 a day and nothing else. `wrong` names its one fault; the names are those of the tests."""

    def __init__(self, wrong: str = "") -> None:
        self.wrong = wrong
        self.plan = 100
        self.scenarios: dict[str, tuple[str, Held]] = {}
        self.orders: dict[str, tuple[int, str, Held]] = {}
        self.changed: dict[str, int] = {}
        self.reserved: Held = []
        self.made = 0

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Json, Any]:
        """Status, headers, body (None: none)."""
        try:
            return self._routed(method, target, headers, body)
        except No as no:
            return no.status, {}, {"code": no.code, "message": "because"}

    def _routed(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Json, Any]:
        if headers.get("X-API-Key") != KEY and self.wrong != "asks for no key":
            raise No(401, "keyInvalid")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if match := re.fullmatch(r"/v1/orders/([^/]+)/commitments", path):
            return self._commitments(method, match[1], headers, body)
        if match := re.fullmatch(r"/v1/scenarios/([^/]+)", path):
            return self._discard(match[1])
        if path == "/v1/scenarios":
            return 201, {}, self._simulate(self._parsed(body))
        if path == "/v1/commitments":
            return 200, {}, self._changes(query["since"][0])
        return 200, {}, self._health() if path == "/v1/health" else self._capabilities()

    def _plan(self) -> Json:
        return {"planVersion": str(self.plan), "horizonEnd": str(TODAY + timedelta(days=HORIZON))}

    def _health(self) -> Json:
        said = {"status": "starting" if self.wrong == "is starting" else "up", **self._plan()}
        if self.wrong == "hides its horizon":
            del said["horizonEnd"]
        return said

    def _capabilities(self) -> Json:
        said: Json = {"product": "Shim", "apiVersion": "1", "plants": ["P1"], "simulate": True, "maxLines": MOST_LINES}
        said |= {"changes": True, **self._plan()}
        other: Json = {
            "speaks version 2": {"apiVersion": "2"},
            "does not simulate": {"simulate": False},
            "plans another plant": {"plants": ["P2"]},
            "speaks of two plans": {"planVersion": "7"},
        }
        return said | other.get(self.wrong, {})

    def _parsed(self, body: bytes) -> Json:
        try:
            return dict(json.loads(body))
        except ValueError:
            if self.wrong == "takes garbage":
                return {"plant": "P1", "requirements": []}
            raise No(400, "bodyMalformed") from None

    def _check(self, asked: Json) -> None:
        needs = asked["requirements"]
        if asked["plant"] != "P1" and self.wrong != "plans any plant":
            raise No(404, "noSuchPlant" if self.wrong == "has its own codes" else "plantUnknown")
        if any(not isinstance(need["quantity"], str) for need in needs) and self.wrong != "takes numbers":
            raise No(422, "bodyInvalid")
        if len({need["lineId"] for need in needs}) != len(needs) and self.wrong != "takes twins":
            raise No(422, "linesInvalid")
        if len(needs) > MOST_LINES and self.wrong != "takes any number":
            raise No(422, "linesInvalid")
        if any(need["material"] != "FG1" for need in needs) and self.wrong == "refuses what it cannot make":
            raise No(422, "materialUnknown")

    def _simulate(self, asked: Json) -> Json:
        self._check(asked)
        if self.wrong == "is slow" and len(asked["requirements"]) >= 20:
            time.sleep(0.15)
        own = asked.get("orderReference") if self.wrong != "lets an order compete with itself" else None
        taken = [one for name, (_, _, held) in self.orders.items() if name != own for one in held] + self.reserved
        planned: Held = []
        lines = []
        for need in asked["requirements"]:
            pieces = self._place(need, taken + planned)
            planned += pieces
            lines.append(self._line(need, pieces))
        self.made += 1
        scenario_id = f"sc-{self.made}"
        self.scenarios[scenario_id] = (asked["plant"], planned)
        if self.wrong == "reserves what it simulates":
            self.reserved += planned
        if self.wrong == "moves the plan when it simulates":
            self.plan += 1
        if self.wrong == "loses a line":
            lines.pop()
        times = {"asOf": "2030-03-10T08:00:00Z", "expiresAt": "2030-03-10T08:15:00Z"}
        return {"scenarioId": scenario_id, "plant": asked["plant"], **self._plan(), **times, "lines": lines}

    def _place(self, need: Json, taken: Held) -> Held:
        left = Decimal(need["quantity"]) if need["material"] == "FG1" else Decimal(0)
        pieces: Held = []
        first = HORIZON + 1 if self.wrong == "plans beyond its horizon" else 1
        for day in (TODAY + timedelta(days=n) for n in range(first, first + HORIZON)):
            free = PER_DAY - sum((quantity for _, when, quantity in taken if when == day), Decimal(0))
            if (now := min(left, free)) > 0:
                pieces.append((need["lineId"], day, now))
                left -= now
        return pieces

    def _line(self, need: Json, pieces: Held) -> Json:
        unplanned = Decimal(need["quantity"]) - sum((quantity for _, _, quantity in pieces), Decimal(0))
        told: list[Json] = [{"quantity": str(quantity), "date": str(day)} for _, day, quantity in pieces]
        if self.wrong == "tells the latest first":
            told.reverse()
        if self.wrong == "answers with numbers":
            told = [{**piece, "quantity": float(piece["quantity"])} for piece in told]
        return {
            "lineId": need["lineId"].lower() if self.wrong == "renames lines" else need["lineId"],
            "material": need["material"],
            "unit": need["unit"],
            "pieces": told,
            "unplanned": "0" if self.wrong == "hides what it cannot plan" else str(unplanned),
            "workCentre": "WC" if pieces else None,
        }

    def _discard(self, scenario_id: str) -> tuple[int, Json, Any]:
        if self.wrong == "keeps scenarios":
            raise No(405, "methodUnknown")
        if self.scenarios.pop(scenario_id, None) is None:
            raise No(404, "scenarioUnknown")
        return 204, {}, None

    def _commitments(self, method: str, order: str, headers: Any, body: bytes) -> tuple[int, Json, Any]:
        if method == "PUT":
            return self._commit(order, headers, json.loads(body)["scenarioId"])
        if method == "DELETE":
            return self._release(order)
        if order in self.orders and self.wrong != "forgets what it holds":
            return 200, self._etag(order), self._told(order)
        if self.wrong == "holds nothing for everybody":
            self.orders[order] = (1, "sc-0", [])
            return 200, {}, self._told(order)
        raise No(404, "orderUnknown")

    def _commit(self, order: str, headers: Any, scenario_id: str) -> tuple[int, Json, Any]:
        held = self.orders.get(order)
        if self.wrong != "looks at no version":
            mismatch = headers.get("If-Match") not in (None, f'"{held[0]}"' if held else "")
            if mismatch or (held and headers.get("If-None-Match") == "*"):
                raise No(412, "versionMoved")
        if scenario_id not in self.scenarios:
            if self.wrong != "commits anything":
                raise No(404, "scenarioUnknown")
            self.scenarios[scenario_id] = ("P1", [])
        _, wanted = self.scenarios[scenario_id]
        others = [one for name, (_, _, kept) in self.orders.items() if name != order for one in kept]
        for _, day, quantity in wanted:
            taken = sum((amount for _, when, amount in others if when == day), Decimal(0))
            if taken + quantity > PER_DAY and self.wrong != "sells its capacity twice":
                raise No(409, "planMoved")
        if self.wrong == "holds half of it":
            wanted = wanted[:1]
        if self.wrong == "holds it again each time" and held:
            wanted = held[2] + wanted
        self._moves(order)
        self.orders[order] = (self.plan, scenario_id, wanted)
        return 200 if held else 201, self._etag(order), self._told(order)

    def _release(self, order: str) -> tuple[int, Json, Any]:
        if self.wrong == "gives nothing back":
            return 204, {}, None
        if self.orders.pop(order, None) is None:
            raise No(404, "orderUnknown")
        self._moves(order)
        return 204, {}, None

    def _moves(self, order: str) -> None:
        self.plan += 0 if self.wrong == "calls a moved plan the same" else 1
        if self.wrong != "tells no change":
            self.changed[order] = self.plan

    def _etag(self, order: str) -> Json:
        return {} if self.wrong == "has no ETag" else {"ETag": f'"{self.orders[order][0]}"'}

    def _told(self, order: str) -> Json:
        version, scenario_id, held = self.orders.get(order, (self.plan, None, []))
        lines = [
            {"lineId": line, "material": "FG1", "quantity": str(quantity), "unit": "C62", "date": str(day)}
            | {"workCentre": None}
            for line, day, quantity in held
        ]
        known = {"orderReference": order, "plant": "P1", "version": str(version), "scenarioId": scenario_id}
        return {**known, **self._plan(), "lines": lines}

    def _changes(self, since: str) -> Json:
        if not since.isdigit() and self.wrong != "knows every version":
            raise No(410, "planVersionGone")
        orders = [self._told(order) for order, at in self.changed.items() if at > int(since if since.isdigit() else 0)]
        return {**self._plan(), "more": False, "orders": orders}


@contextmanager
def serving(shim: Shim) -> Iterator[str]:
    """The shim on a socket of its own; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits for a delayed acknowledgement

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, said = shim.answer(self.command, self.path, self.headers, body)
            content = b"" if said is None else json.dumps(said).encode()
            plain = shim.wrong == "tells refusals in plain text" and status >= 400
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if said is not None:
                self.send_header("Content-Type", "text/plain" if plain else "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  names of the standard library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Tests need no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
