"""The adapter for schedulers that speak our own HTTP API (version 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

import httpx
import msgspec

from system_apis.bodies import decoded, tidy
from system_apis.deadline import Deadline
from system_apis.drift import Finding
from system_apis.errand import Errand
from system_apis.errors import NotFoundInSystem, UpstreamError
from system_apis.http import Exchange, Upstream
from system_apis.maintenance import Rests
from system_apis.ownership import guard
from system_apis.scheduler import drift, models, wire
from system_apis.scheduler.owners import WORDS

_JSON = {"Content-Type": "application/json"}
_SCENARIO = msgspec.json.Decoder(wire.Scenario)
_COMMITMENTS = msgspec.json.Decoder(wire.Commitments)
_CHANGES = msgspec.json.Decoder(wire.Changes)
_CAPABILITIES = msgspec.json.Decoder(wire.Capabilities)
_HEALTH = msgspec.json.Decoder(wire.Health)
_REFUSAL = msgspec.json.Decoder(wire.Refusal)
_ANY = msgspec.json.Decoder()


def connect(
    *,
    instance: str,
    base_url: str,
    api_key: str,
    plants: Sequence[str] = (),
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = 10,
    observe: Callable[[Exchange], None] | None = None,
    rests: Rests | None = None,
) -> HttpScheduler:
    """A scheduler by its address and key, and the plants that it is to plan."""
    upstream = Upstream(
        system="scheduler",
        instance=instance,
        base_url=base_url,
        transport=transport,
        headers={"X-API-Key": api_key},
        timeout_s=timeout_s,
        observe=observe,
        rests=rests,
    )
    return HttpScheduler(instance=instance, upstream=upstream, plants=plants)


class HttpScheduler:
    """A scheduler instance behind HTTP. Simulating is a safe POST and may be repeated; PUT and DELETE are sent once.

    `plants` are those that the configuration gives to it.
    """

    def __init__(self, *, instance: str, upstream: Upstream, plants: Sequence[str] = ()) -> None:
        self.instance = instance
        self._upstream = upstream
        self._plants = tuple(plants)

    async def simulate(
        self,
        plant: str,
        requirements: Sequence[models.Requirement],
        *,
        order_reference: str | None,
        deadline: Deadline,
    ) -> models.Scenario:
        body = wire.new_scenario(plant, tuple(requirements), order_reference)
        errand = self._upstream.errand("simulate production", writes=False)
        answer = await self._upstream.read(
            "POST",
            "/v1/scenarios",
            operation=errand.operation,
            deadline=deadline,
            headers=_JSON,
            content=msgspec.json.encode(body),
        )
        read = wire.scenario(decoded(_SCENARIO, _granted(answer, errand).content, errand))
        asked = {line.line_id: line.quantity for line in requirements}
        if {line.line_id for line in read.lines} != asked.keys() or len(read.lines) != len(asked):
            raise errand.unreadable("the scenario does not answer the lines that were asked")
        return msgspec.structs.replace(read, lines=tuple(_tidied(line, errand) for line in read.lines))

    async def commit(
        self, scenario: models.Scenario, order_reference: str, *, if_version: str | None, deadline: Deadline
    ) -> models.Commitments:
        errand = self._upstream.errand("commit the schedule", writes=True)
        condition = {} if if_version is None else {"If-Match": f'"{if_version}"'}
        body = guarded(errand, wire.Commit(scenario.scenario_id))
        answer = await self._upstream.write(
            "PUT",
            _commitments_of(order_reference),
            operation=errand.operation,
            deadline=deadline,
            headers={**_JSON, **condition},
            content=body,
        )
        return _committed(_granted(answer, errand), errand)

    async def commitments(self, order_reference: str, *, deadline: Deadline) -> models.Commitments | None:
        try:
            answer, errand = await self._get("read commitments", _commitments_of(order_reference), deadline)
        except NotFoundInSystem:
            return None
        return _committed(answer, errand)

    async def changes(self, since: str, *, limit: int = 100, deadline: Deadline) -> models.Changes:
        path = f"/v1/commitments?since={quote(since, safe='')}&limit={limit}"
        answer, errand = await self._get("read changes of the plan", path, deadline)
        return wire.changes(decoded(_CHANGES, answer.content, errand), errand)

    async def release(self, order_reference: str, *, deadline: Deadline) -> None:
        await self._delete("release commitments", _commitments_of(order_reference), deadline)

    async def discard(self, scenario_id: str, *, deadline: Deadline) -> None:
        await self._delete("discard a scenario", f"/v1/scenarios/{quote(scenario_id, safe='')}", deadline)

    async def capabilities(self, *, deadline: Deadline) -> models.Capabilities:
        answer, errand = await self._get("read capabilities", "/v1/capabilities", deadline)
        return wire.capabilities(decoded(_CAPABILITIES, answer.content, errand))

    async def health(self, *, deadline: Deadline) -> models.Health:
        answer, errand = await self._get("read health", "/v1/health", deadline)
        return wire.health(decoded(_HEALTH, answer.content, errand))

    async def ping(self, *, deadline: Deadline) -> None:
        answer, errand = await self._get("ping", "/v1/health", deadline)
        health = decoded(_HEALTH, answer.content, errand)
        if health.status != "up":
            raise errand.not_done(f"the scheduler says it is {health.status[:40]}")

    async def drift(self, *, deadline: Deadline) -> tuple[Finding, ...]:
        """What it lacks of what we use. It says most of itself in its capabilities; a document of its own
        (`GET /v1/openapi.json`) is read where it serves one."""
        answer, errand = await self._get("read capabilities", drift.ABILITIES, deadline)
        able = decoded(_ANY, answer.content, errand)
        try:
            served, errand = await self._get("read the document", "/v1/openapi.json", deadline)
            document = decoded(_ANY, served.content, errand)
        except NotFoundInSystem:
            document = None
        return drift.compare(self.instance, able=able, document=document, plants=self._plants)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _get(self, operation: str, path: str, deadline: Deadline) -> tuple[httpx.Response, Errand]:
        errand = self._upstream.errand(operation, writes=False)
        answer = await self._upstream.read("GET", path, operation=operation, deadline=deadline)
        return _granted(answer, errand), errand

    async def _delete(self, operation: str, path: str, deadline: Deadline) -> None:
        errand = self._upstream.errand(operation, writes=True)
        answer = await self._upstream.write("DELETE", path, operation=operation, deadline=deadline)
        if answer.status_code != httpx.codes.NOT_FOUND:  # gone already is what was wanted
            _granted(answer, errand)


def guarded(errand: Errand, body: msgspec.Struct) -> bytes:
    """A body to write to an order's commitments, if all that it holds is ours to write (OwnerViolation)."""
    guard(errand, WORDS, "commitments", body.__struct_encode_fields__)
    return msgspec.json.encode(body)


def _commitments_of(order_reference: str) -> str:
    return f"/v1/orders/{quote(order_reference, safe='')}/commitments"


def _granted(answer: httpx.Response, errand: Errand) -> httpx.Response:
    if answer.is_success:
        return answer
    raise _failure(answer, errand)


def _failure(answer: httpx.Response, errand: Errand) -> UpstreamError:
    status = answer.status_code
    if status == httpx.codes.FORBIDDEN:
        return errand.credentials_refused("HTTP 403")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return errand.no_answer(f"the scheduler answered {status}")
    try:
        said = _REFUSAL.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = wire.Refusal(f"HTTP {status}", "no readable reason")
    if status == httpx.codes.NOT_FOUND:
        return errand.not_found(said.code, said.message)
    if status == httpx.codes.PRECONDITION_FAILED:
        return errand.moved(said.code, said.message)
    return errand.refused(said.code, said.message, status)


def _committed(answer: httpx.Response, errand: Errand) -> models.Commitments:
    return wire.commitments(decoded(_COMMITMENTS, answer.content, errand), errand)


def _tidied(line: models.PlannedLine, errand: Errand) -> models.PlannedLine:
    pieces = tuple(models.PlannedPiece(tidy(piece.quantity, errand), piece.date) for piece in line.pieces)
    unplanned = tidy(line.unplanned, errand)
    if unplanned < 0 or any(piece.quantity < 0 for piece in pieces):
        raise errand.unreadable("a planned quantity is negative")
    return msgspec.structs.replace(line, pieces=pieces, unplanned=unplanned)
