"""The same small composition by hand: FastAPI and aiohttp, as well tuned as one would without leaving them.

A token verified once and remembered, its scope, a token bucket per client, ten lines decoded and checked, the ERP and
the scheduler asked side by side, what they said composed and encoded. No plan shared between replicas, no audit, no
trace, no source of a statement, no promise to keep, no breaker, no second try. Runs in an environment of its own.

`/v1/atp-checks` decodes with msgspec; `/pydantic/v1/atp-checks` is the same with the framework's own models and
dependencies.
"""

import argparse
import asyncio
import gc
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import starmap
from typing import Annotated, Any, Literal, Protocol

import aiohttp
import jwt
import msgspec
import pydantic
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response

AUDIENCE = "https://ordergate.example/api"
SCOPE = "atp:read"
PER_SECOND, MOST = 1_000_000.0, 1_000_000.0
MOST_TOKENS = 10_000
UNIT, SAP_UNIT = "C62", "PC"
SIMULATION = "/sap/opu/odata/sap/API_SALES_ORDER_SIMULATION_SRV/A_SalesOrderSimulation"
ZERO = Decimal(0)


class Id(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str


class Amount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: Decimal
    unit: str


class Line(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    line_id: str
    product: Id
    quantity: Amount
    requested_date: date


class Check(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    sold_to: Id
    lines: Annotated[list[Line], msgspec.Meta(min_length=1, max_length=100)]
    mode: Literal["ctp", "atp"] = "atp"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class IdModel(Model):
    id: str


class AmountModel(Model):
    value: Decimal
    unit: str


class LineModel(Model):
    line_id: Annotated[str, pydantic.Field(alias="lineId")]
    product: IdModel
    quantity: AmountModel
    requested_date: Annotated[date, pydantic.Field(alias="requestedDate")]


class CheckModel(Model):
    sold_to: Annotated[IdModel, pydantic.Field(alias="soldTo")]
    lines: Annotated[list[LineModel], pydantic.Field(min_length=1, max_length=100)]
    mode: Literal["ctp", "atp"] = "atp"


class SapSchedule(msgspec.Struct, frozen=True, rename="pascal"):
    confirmed_delivery_date: str | None
    confd_order_qty_by_matl_avail_check: Decimal


class Rows(msgspec.Struct, frozen=True):
    results: list[SapSchedule]


class SapItem(msgspec.Struct, frozen=True):
    item: str = msgspec.field(name="SalesOrderItem")
    schedule: Rows = msgspec.field(name="to_ScheduleLine")


class SapItems(msgspec.Struct, frozen=True):
    results: list[SapItem]


class SapOrder(msgspec.Struct, frozen=True):
    items: SapItems = msgspec.field(name="to_Item")


class SapAnswer(msgspec.Struct, frozen=True):
    d: SapOrder


class Piece(msgspec.Struct, frozen=True):
    quantity: Decimal
    date: date


class PlannedLine(msgspec.Struct, frozen=True, rename="camel"):
    line_id: str
    pieces: list[Piece]


class Plan(msgspec.Struct, frozen=True):
    lines: list[PlannedLine]


READ_CHECK = msgspec.json.Decoder(Check).decode
READ_SAP = msgspec.json.Decoder(SapAnswer).decode
READ_PLAN = msgspec.json.Decoder(Plan).decode
WRITE = msgspec.json.Encoder().encode


class AnyLine(Protocol):
    line_id: str
    product: Any
    quantity: Any
    requested_date: date


class Bucket:
    def __init__(self) -> None:
        self.left, self.at = MOST, time.monotonic()

    def take(self, weight: int) -> bool:
        now = time.monotonic()
        self.left = min(MOST, self.left + (now - self.at) * PER_SECOND)
        self.at = now
        if self.left < weight:
            return False
        self.left -= weight
        return True


class Gate:
    """Who asks, and how much."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks")
        self._known: dict[str, dict[str, Any]] = {}
        self._buckets: dict[str, Bucket] = {}

    def client(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise HTTPException(401)
        claims = self._known.get(token)
        if claims is None:
            try:
                key = self._keys.get_signing_key_from_jwt(token)
                claims = jwt.decode(token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=self._issuer)
            except jwt.PyJWTError:
                raise HTTPException(401) from None
            if len(self._known) >= MOST_TOKENS:
                self._known.clear()
            self._known[token] = claims
        if claims["exp"] < time.time():
            raise HTTPException(401)
        if SCOPE not in claims["scope"].split():
            raise HTTPException(403)
        return str(claims["client_id"])

    def charge(self, client: str, weight: int) -> None:
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = Bucket()
        if not bucket.take(weight):
            raise HTTPException(429)


class Neighbours:
    def __init__(self, sap: str, scheduler: str) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        self._sap, self._scheduler = sap + SIMULATION, scheduler + "/v1/scenarios"
        self._sap_headers = {
            "Authorization": "Basic " + b64encode(b"SANDBOX:Welcome1").decode(),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-CSRF-Token": "x" * 24,
            "Cookie": "SAP_SESSIONID_S4H_100=abcdefghijklmnop; sap-usercontext=sap-client=100",
        }
        self._scheduler_headers = {"X-API-Key": "scheduler-sandbox-key", "Content-Type": "application/json"}

    async def aclose(self) -> None:
        await self._session.close()

    async def simulate(self, sold_to: str, lines: Sequence[AnyLine]) -> list[SapItem]:
        day = min(line.requested_date for line in lines)
        since_1970 = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        question = {
            "SalesOrderType": "OR",
            "SalesOrganization": "1710",
            "DistributionChannel": "10",
            "OrganizationDivision": "00",
            "SoldToParty": sold_to,
            "RequestedDeliveryDate": f"/Date({since_1970}000)/",
            "to_Pricing": {},
            "to_Credit": {},
            "to_Item": [
                {
                    "SalesOrderItem": str(10 * number),
                    "Material": line.product.id,
                    "RequestedQuantity": str(line.quantity.value),
                    "RequestedQuantityUnit": SAP_UNIT,
                    "Plant": "1710",
                    "to_ScheduleLine": [],
                }
                for number, line in enumerate(lines, 1)
            ],
        }
        return READ_SAP(await self._ask(self._sap, question, self._sap_headers)).d.items.results

    async def plan(self, lines: Sequence[AnyLine]) -> list[PlannedLine]:
        needs = [
            {
                "lineId": str(number),
                "material": line.product.id,
                "quantity": str(line.quantity.value),
                "unit": line.quantity.unit,
                "dueDate": line.requested_date,
            }
            for number, line in enumerate(lines)
        ]
        question = {"plant": "1710", "requirements": needs}
        return READ_PLAN(await self._ask(self._scheduler, question, self._scheduler_headers)).lines

    async def _ask(self, url: str, question: Any, headers: dict[str, str]) -> bytes:
        async with self._session.post(url, data=WRITE(question), headers=headers, allow_redirects=False) as answer:
            if answer.status != 201:  # noqa: PLR2004  Created
                raise HTTPException(502)
            return await answer.read()


def require_sense(lines: Sequence[AnyLine]) -> None:
    today = datetime.now(UTC).date()
    if len({line.line_id for line in lines}) != len(lines):
        raise HTTPException(422, "two lines have one id")
    for line in lines:
        if line.quantity.value <= 0 or line.quantity.unit != UNIT or line.requested_date < today:
            raise HTTPException(422, f"line {line.line_id} cannot be promised")


def composed(line: AnyLine, item: SapItem, planned: PlannedLine | None) -> dict[str, Any]:
    """What is in stock, and of the plan what the stock lacks."""
    parts = []
    open_quantity = line.quantity.value
    for row in item.schedule.results:
        quantity = min(open_quantity, row.confd_order_qty_by_matl_avail_check)
        if quantity > 0 and row.confirmed_delivery_date:
            day = datetime.fromtimestamp(int(row.confirmed_delivery_date[6:-2]) / 1000, UTC).date()
            parts.append({"quantity": {"value": quantity, "unit": UNIT}, "deliveryDate": day, "supply": "onHand"})
            open_quantity -= quantity
    for piece in planned.pieces if planned else ():
        quantity = min(open_quantity, piece.quantity)
        if quantity > 0:
            amount = {"value": quantity, "unit": UNIT}
            parts.append({"quantity": amount, "deliveryDate": piece.date, "supply": "production"})
            open_quantity -= quantity
    late = any(part["deliveryDate"] > line.requested_date for part in parts)
    status = "partiallyConfirmed" if open_quantity else "confirmedLate" if late else "confirmed"
    confirmed = {"value": line.quantity.value - open_quantity, "unit": UNIT}
    return {"lineId": line.line_id, "status": status, "confirmedQuantity": confirmed, "schedule": parts}


async def answered(check: Any, neighbours: Neighbours) -> Response:
    require_sense(check.lines)
    if check.mode == "ctp":
        items, planned = await asyncio.gather(
            neighbours.simulate(check.sold_to.id, check.lines), neighbours.plan(check.lines)
        )
    else:
        items, planned = await neighbours.simulate(check.sold_to.id, check.lines), [None] * len(check.lines)
    lines = list(starmap(composed, zip(check.lines, items, planned, strict=True)))
    done = all(line["status"] == "confirmed" for line in lines)
    view = {"status": "complete" if done else "partial", "computedAt": datetime.now(UTC), "lines": lines}
    return Response(WRITE(view), media_type="application/json")


def application(issuer: str, sap: str, scheduler: str) -> FastAPI:
    gate = Gate(issuer)
    found: list[Neighbours] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        found.append(Neighbours(sap, scheduler))
        gc.collect()
        gc.freeze()
        yield
        await found[0].aclose()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    async def ready(_: Request) -> Response:
        return Response(b"{}")

    async def check_availability(request: Request) -> Response:
        client = gate.client(request.headers.get("authorization", ""))
        try:
            check = READ_CHECK(await request.body())
        except msgspec.ValidationError as wrong:
            raise HTTPException(422, str(wrong)) from None
        gate.charge(client, len(check.lines))
        return await answered(check, found[0])

    async def known_client(request: Request) -> str:
        return gate.client(request.headers.get("authorization", ""))

    async def check_by_model(check: CheckModel, client: Annotated[str, Depends(known_client)]) -> Response:
        gate.charge(client, len(check.lines))
        return await answered(check, found[0])

    app.router.add_route("/ready", ready, methods=["GET"])
    app.add_api_route("/v1/atp-checks", check_availability, methods=["POST"], response_model=None)
    app.add_api_route("/pydantic/v1/atp-checks", check_by_model, methods=["POST"], response_model=None)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("issuer", "sap", "scheduler"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        application(given.issuer, given.sap, given.scheduler),
        port=given.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_level="warning",
    )
