"""The bench a scheduler is put on: asks, keeps what came, and cleans up what it made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

import httpx
import msgspec

from system_apis.scheduler.conformance.shapes import Capabilities, Commitments, Health, Refusal, Scenario

SHOWN = 160
SOON_S = 2.0
NO_CONTENT, NOT_FOUND = 204, 404
MADE_UP_MATERIAL = "OGCHECK-NOTHING"
S = TypeVar("S")


class Broken(Exception):
    """A rule does not hold: what the document says, and what came instead."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, came {came}")
        self.expected = expected
        self.came = came


class NotAsked(Exception):
    """A rule that could not be asked, and why."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something the plant can make, to be planned for the check."""

    material: str
    quantity: str
    unit: str
    due_date: date

    @property
    def amount(self) -> Decimal:
        return Decimal(self.quantity)


@dataclass(frozen=True, slots=True)
class Came:
    """An answer, for the verdict."""

    status: int
    body: bytes
    headers: httpx.Headers
    seconds: float

    def __str__(self) -> str:
        text = self.body.decode("utf-8", "replace")
        return f"{self.status} {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}".strip()


@dataclass(slots=True)
class Bench:
    """One examination. `plant` is the one asked about (None: the first that the scheduler names)."""

    client: httpx.Client
    api_key: str | None
    plant: str | None
    need: Need | None
    due_date: date
    commits: bool = False
    soon_s: float = SOON_S
    reference: str = field(default_factory=lambda: f"OGCHECK-{secrets.token_hex(4).upper()}")
    scenarios: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    """Order references that were nobody's and under which we may hold something: given back at the end, in any case."""
    names: Iterator[int] = field(default_factory=lambda: count(1))

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = "", **headers: str) -> Came:
        """Ask with the key (`key` for another one, None for none). `If_Match="…"` names a header."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["X-Correlation-ID"] = f"scheduler-check-{self.reference}"
        sent["traceparent"] = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        chosen = self.api_key if key == "" else key
        if chosen is not None:
            sent["X-API-Key"] = chosen
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        if content is not None:
            sent["Content-Type"] = "application/json"
        began = time.monotonic()
        answer = self.client.request(method, path, content=content, headers=sent)
        return Came(answer.status_code, answer.content, answer.headers, time.monotonic() - began)

    def get(self, path: str, shape: type[S]) -> S:
        return read(self.ask("GET", path), shape, 200)

    def health(self) -> Health:
        return self.get("/v1/health", Health)

    def capabilities(self) -> Capabilities:
        return self.get("/v1/capabilities", Capabilities)

    def its_plant(self) -> str:
        return self.plant or self.capabilities().plants[0]

    def requirements(self, lines: int = 1) -> list[dict[str, str]]:
        """`lines` of the plant's own product, or made-up ones, and one line of what nobody makes."""
        need = self.need or Need(MADE_UP_MATERIAL, "5", "C62", self.due_date)
        made = [self.requirement(f"L{place}", need.material, need.quantity, need.unit) for place in range(lines)]
        return [*made, self.requirement("NONE", MADE_UP_MATERIAL, "7.5", "C62")]

    def requirement(self, line: str, material: str, quantity: str, unit: str) -> dict[str, str]:
        due_date = self.due_date.isoformat()
        return {"lineId": line, "material": material, "quantity": quantity, "unit": unit, "dueDate": due_date}

    def simulate(self, requirements: list[dict[str, str]], order: str | None = None) -> Scenario:
        """A scenario, to be discarded at the end."""
        body: dict[str, Any] = {"plant": self.its_plant(), "requirements": requirements}
        if order is not None:
            body["orderReference"] = order
        scenario = read(self.ask("POST", "/v1/scenarios", body), Scenario, 201)
        self.scenarios.append(scenario.scenario_id)
        return scenario

    def claim(self, reference: str) -> None:
        """Before anything is held under a reference it must be certain that it is nobody's."""
        if reference in self.references:
            return
        came = self.ask("GET", commitments(reference))
        if came.status != NOT_FOUND:
            raise NotAsked(f"{reference} seems to be somebody's: {came}")
        self.references.append(reference)

    def commit(self, scenario: Scenario, reference: str, **headers: str) -> Came:
        self.claim(reference)
        return self.ask("PUT", commitments(reference), {"scenarioId": scenario.scenario_id}, **headers)

    def held(self, reference: str) -> Commitments:
        return self.get(commitments(reference), Commitments)

    def clean(self) -> list[str]:
        """Discard every scenario and give everything back. What may still be held is named."""
        left = [f"order {one}" for one in dict.fromkeys(self.references) if not self._given_back(one)]
        for one in self.scenarios:  # they expire by themselves: leaving one behind is no harm
            self._gone(f"/v1/scenarios/{one}")
        return left

    def _given_back(self, reference: str) -> bool:
        """Asked for and looked after: a 204 alone is a word."""
        try:
            return self._gone(commitments(reference)) and self.ask("GET", commitments(reference)).status == NOT_FOUND
        except httpx.HTTPError:
            return False

    def _gone(self, path: str) -> bool:
        try:
            return self.ask("DELETE", path).status in (NO_CONTENT, NOT_FOUND)
        except httpx.HTTPError:
            return False


def commitments(reference: str) -> str:
    return f"/v1/orders/{reference}/commitments"


def read(came: Came, shape: type[S], *statuses: int) -> S:
    """The answer as the document shapes it, or Broken."""
    wanted = f"{' or '.join(map(str, statuses))} with {shape.__name__}"
    if came.status not in statuses:
        raise Broken(wanted, str(came))
    if not came.headers.get("content-type", "").startswith("application/json"):
        raise Broken(f"{wanted} as application/json", came.headers.get("content-type", "no content type"))
    try:
        return msgspec.json.decode(came.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise Broken(wanted, f"{wrong} in {came}") from None


def refused(came: Came, status: int, code: str | None = None) -> None:
    """A refusal with this status, with `code` and `message`, or Broken."""
    said = read(came, Refusal, status)
    if code is not None and said.code != code:
        raise Broken(f"the code {code}", f"{said.code}: {said.message}"[:SHOWN])
