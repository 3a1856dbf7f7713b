"""What stands on the stage: neighbours that only repeat themselves, two gateways and a peer before them, and the calls.

What the neighbours say was recorded of the sandbox while a gateway asked it these very questions.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import msgspec

from app.cli.processes import some_port, stop
from benchmarks.process.gateways import Process, Stage, collecting
from benchmarks.promises.stage import wish
from benchmarks.speed.load import Caller, request
from benchmarks.speed.recording import Recorder, recording
from benchmarks.upstream import static

VARIANTS = 64
"""Different wishes, asked in turn: equal ones under way would be one question to the gateway, and so no measure."""
QUOTE = "0Q0Hp0000001010KAA"
CONVERSION = f"/v1/quotes/{QUOTE}/order-conversions"
CHECK = "/v1/atp-checks"
_CONVERSION_BODY = {"customerPo": "PO-bench", "onLate": "accept"}
PATIENCE_S = 30.0


def mixed(lines: int, first: int, mode: str) -> dict[str, Any]:
    """Nine lines of stock, one that is made to order, and so on."""
    body = wish(lines, first=first, mode=mode)
    for line in body["lines"][9::10]:
        line["product"] = {"id": "FG126"}
    return body


WISHES = {
    "10 lines, ERP and scheduler": [mixed(10, 1 + n, "ctp") for n in range(VARIANTS)],
    "100 lines, ERP and scheduler": [mixed(100, 1 + n, "ctp") for n in range(VARIANTS)],
    "10 lines, ERP alone": [mixed(10, 1 + n, "atp") for n in range(VARIANTS)],
}


@dataclass(frozen=True)
class Server:
    """`prefix` goes before the path of every call."""

    process: Process
    prefix: str = ""

    def call(self, path: str, headers: Mapping[str, str], body: Any) -> bytes:
        encoded = {**headers, "Content-Type": "application/json"}
        return request("POST", self.prefix + path, encoded, msgspec.json.encode(body))


@dataclass(frozen=True)
class Cast:
    """`expected` by kind of wish: what the sandbox's own answers came to, line by line. `at_rest`: memory in MiB before
    the first call."""

    servers: Mapping[str, Server]
    neighbours: str
    headers: Mapping[str, str]
    repeated: bytes
    upstream_alone: Sequence[bytes]
    expected: Mapping[str, list[dict[str, Any]]]
    at_rest: Mapping[str, float]

    def calls(self, server: str, kind: str) -> list[bytes]:
        return [self.servers[server].call(CHECK, self.headers, body) for body in WISHES[kind]]

    async def slowness(self, ms: int) -> None:
        caller = Caller(self.neighbours)
        await caller.once(request("PUT", f"{static.SLOWNESS}{ms}", {}))
        caller.close()


PRODUCTION, EMBEDDED = "gateway, production", "gateway, embedded"
PEER, PYDANTIC = "FastAPI and aiohttp", "the same with pydantic"


@asynccontextmanager
async def cast(on: Stage, peer_python: Path, directory: Path) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as ends:
        headers = {"Authorization": f"Bearer {on.token()}"}
        recorded, expected, key = await _recorded(on, headers, directory)
        neighbours = ends.enter_context(static.running(recorded))
        before = {"ORDERGATE_SANDBOX_SAP": neighbours, "ORDERGATE_SANDBOX_SCHEDULER": neighbours}
        collector = await ends.enter_async_context(collecting())
        production = before | {"ORDERGATE_LOG_LEVEL": "INFO", "ORDERGATE_OTLP_ENDPOINT": collector.url}
        embedded = before | {
            "ORDERGATE_LOG_LEVEL": "INFO",
            "ORDERGATE_ROLE": "all",
            "ORDERGATE_REDIS_URL": "",
            "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/embedded.db",
        }
        peer = ends.enter_context(_peer(peer_python, on.sandbox.issuer, neighbours, directory))
        servers = {
            PEER: Server(peer),
            PYDANTIC: Server(peer, "/pydantic"),
            PRODUCTION: Server(ends.enter_context(on.gateway("production", **production))),
            EMBEDDED: Server(ends.enter_context(on.gateway("embedded", **embedded))),
        }
        repeated = servers[PRODUCTION].call(CONVERSION, headers | key, _CONVERSION_BODY)
        at_rest = {name: server.process.rss_mib() for name, server in servers.items()}
        yield Cast(servers, neighbours, headers, repeated, _questions(recorded), expected, at_rest)


async def _recorded(
    on: Stage, headers: Mapping[str, str], directory: Path
) -> tuple[Path, dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Everything asked once of the sandbox, through a gateway; and a quote converted with a key, to be repeated."""
    key = {"Idempotency-Key": "bench-replay"}
    async with recording(on.sandbox.sap) as sap, recording(on.sandbox.scheduler) as scheduler:
        more = {
            "ORDERGATE_ROLE": "all",
            "ORDERGATE_SANDBOX_SAP": sap.url,
            "ORDERGATE_SANDBOX_SCHEDULER": scheduler.url,
        }
        gateway = on.gateway("recorded", **more)
        process = await asyncio.to_thread(gateway.__enter__)  # the recorders answer from this loop meanwhile
        try:
            async with aiohttp.ClientSession(process.url, headers=headers) as session:
                expected = {kind: [await _asked(session, body) for body in bodies] for kind, bodies in WISHES.items()}
                await _converted(session, key)
        finally:
            await asyncio.to_thread(gateway.__exit__, None, None, None)
        file = directory / "recorded.msgpack"
        file.write_bytes(msgspec.msgpack.encode([*sap.told.values(), *scheduler.told.values()]))
        _require_both(sap, scheduler)
    return file, expected, key


def _require_both(sap: Recorder, scheduler: Recorder) -> None:
    if len(sap.told) < VARIANTS or len(scheduler.told) < VARIANTS:
        raise RuntimeError("ERP and scheduler were not asked for every wish: nothing to repeat")


async def _asked(session: aiohttp.ClientSession, body: Mapping[str, Any]) -> dict[str, Any]:
    async with session.post(CHECK, json=body) as answer:
        answer.raise_for_status()
        return essence(await answer.json())


def essence(view: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer comes to: the quantity promised for each line. Days are the gateway's alone to count, by the
    calendars of plants and dealers; ids, times and ages differ each time."""
    return {line["lineId"]: float(line["confirmedQuantity"]["value"]) for line in view["lines"]}


async def _converted(session: aiohttp.ClientSession, key: Mapping[str, str]) -> None:
    """Until a repeat with the same key is told the end."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        encoded = msgspec.json.encode(_CONVERSION_BODY)  # byte for byte what is repeated later
        typed = {**key, "Content-Type": "application/json"}
        async with session.post(CONVERSION, data=encoded, headers=typed) as answer:
            told = await answer.json()
            if answer.status not in (200, 201, 202):
                raise RuntimeError(f"a quote was not converted: {told}")
            if answer.status != 202:  # noqa: PLR2004  Accepted
                return
        if time.monotonic() > ends:
            raise TimeoutError(f"a quote was not converted within {PATIENCE_S:.0f} s: {told}")
        await asyncio.sleep(0.2)


def _questions(recorded: Path) -> list[bytes]:
    """What the gateway asks the ERP for ten lines, to ask it directly."""
    told = msgspec.msgpack.decode(recorded.read_bytes(), type=list[static.Told])
    ten = [one for one in told if one.target.endswith("A_SalesOrderSimulation") and b'"100"' in one.asked]
    small = [one for one in ten if b'"110"' not in one.asked]
    return [request(one.method, one.target, {"Content-Type": "application/json"}, one.asked) for one in small]


@contextmanager
def _peer(python: Path, issuer: str, neighbours: str, directory: Path) -> Iterator[Process]:
    port = some_port()
    script = Path(__file__).with_name("peer.py")
    where = ["--issuer", issuer, "--sap", neighbours, "--scheduler", neighbours, "--port", str(port)]
    began = time.perf_counter()
    with (directory / "peer.log").open("wb") as log:
        process = subprocess.Popen([python, script, *where], stdout=log, stderr=log)  # noqa: S603  our own script
    try:
        url = f"http://127.0.0.1:{port}"
        while not _answers(f"{url}/ready"):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                raise TimeoutError((directory / "peer.log").read_text()[-2000:])
            time.sleep(0.02)
        yield Process(url, process.pid, time.perf_counter() - began)
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


async def require_right(on: Cast) -> None:
    """Every server says what the sandbox's answers come to, for every wish, or nothing is measured."""
    for name, server in on.servers.items():
        caller = Caller(server.process.url)
        for kind, expected in on.expected.items():
            for asked, right in zip(on.calls(name, kind), expected, strict=True):
                status, body = await caller.once(asked)
                if status != httpx.codes.OK or essence(json.loads(body)) != right:
                    raise RuntimeError(f"{name}, {kind}: {status} {body[:300]!r} instead of {right}"[:1000])
        caller.close()
