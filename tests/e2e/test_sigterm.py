"""SIGTERM in the middle of traffic: every call that went out is answered, every order is made, and none twice."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app import settings
from app.cli.pair import Gateway, Sandbox, access_token, running_gateway
from process_apis.operations import AT_REST
from tests.e2e.traffic import Answered, Lines, Lost, at_a_rate
from tests.integration.quote_to_order import witness
from tests.postgres import postgres
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

__all__ = ["postgres"]

MUTATING, READING = 20, 200
BEFORE_S = 2.0
DELAY_S = 1.0
LOOK_EVERY_S, LOOKS_AWAY_AFTER = 0.25, 2
"""A balancer looks now and then and believes a failure when it sees it twice: all of it in less than the delay."""
NOTICED_S = 0.2
ACCEPTED, BUSY = 202, 503
"""A machine that is too slow for this traffic may say so: with 503 and Retry-After, not with silence."""
ENDED = ("completed", "completedWithExceptions")


@pytest.fixture
def full_sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    running = start_sandbox(tmp_path, "--quotes", "200")
    yield running
    stop_sandbox(running)


def config_without_limits(directory: Path) -> Path:
    """The shipped file, with a CRM that may call as often as it likes."""
    shipped = settings.SANDBOX_FILE.read_text()
    name = 'client_id = "crm"\n'
    assert name in shipped
    config = directory / "busy.toml"
    config.write_text(shipped.replace(name, name + 'limit = "1000000 per 1 minute"\n', 1))
    return config


def wish(number: int) -> bytes:
    return json.dumps({"customerPo": f"PO-{number}", "onLate": "accept"}).encode()


@dataclass
class Balancer:
    """Sends traffic to a gateway until its readiness fails, as the thing in front of it does."""

    gateway: Gateway
    token: str
    quotes: list[str]
    looks_ready: bool = True
    terminated_at: float = 0.0
    lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = Lines(self.gateway.url)

    def head(self, method: str, path: str, *more: str) -> str:
        fields = ["host: gateway", f"authorization: Bearer {self.token}", "content-type: application/json", *more]
        return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{each}\r\n" for each in fields)

    async def convert(self, number: int) -> Answered | Lost:
        path = f"/v1/quotes/{self.quotes[number]}/order-conversions"
        return await self.lines.call(self.head("POST", path, f"idempotency-key: key-{number}"), wish(number))

    async def read(self, _number: int) -> Answered | Lost:
        return await self.lines.call(self.head("GET", "/v1/operations?limit=1"))

    async def watch(self) -> None:
        failures = 0
        async with httpx.AsyncClient(base_url=self.gateway.internal_url, trust_env=False, timeout=10) as client:
            while self.looks_ready:
                try:
                    ready = (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    ready = False
                failures = 0 if ready else failures + 1
                self.looks_ready = failures < LOOKS_AWAY_AFTER
                await asyncio.sleep(LOOK_EVERY_S)

    async def terminate(self) -> None:
        await asyncio.sleep(BEFORE_S)
        self.terminated_at = asyncio.get_running_loop().time()
        self.gateway.process.send_signal(signal.SIGTERM)

    async def traffic(self) -> tuple[list[Answered | Lost], list[Answered | Lost]]:
        async with asyncio.TaskGroup() as together:
            together.create_task(self.watch())
            together.create_task(self.terminate())
            changes = together.create_task(
                at_a_rate(MUTATING, self.convert, lambda: self.looks_ready, most=len(self.quotes))
            )
            reads = together.create_task(at_a_rate(READING, self.read, lambda: self.looks_ready))
        self.lines.close()
        return changes.result(), reads.result()


@pytest.mark.timeout(150)
def test_a_gateway_that_is_told_to_go_under_load_loses_nothing_and_doubles_nothing(
    full_sandbox: RunningSandbox, tmp_path: Path, postgres: str
) -> None:
    urls = full_sandbox.urls
    neighbours = Sandbox(**{name: urls[name] for name in ("issuer", "sap", "salesforce", "scheduler", "control")})
    more = {
        "ORDERGATE_CONFIG": str(config_without_limits(tmp_path)),
        "ORDERGATE_SHUTDOWN_DELAY_S": str(DELAY_S),
        "ORDERGATE_DRIFT_CHECK": "off",
        "ORDERGATE_DATABASE_URL": postgres,  # a file has one writer: at this rate it would be the test
    }
    quotes = [str(quote["id"]) for quote in full_sandbox.world()["quotes"] if quote["name"] >= "Q-2001"]
    token = access_token(urls["issuer"], "crm", "crm-sandbox-secret")
    with running_gateway(neighbours, tmp_path / "ordergate.db", tmp_path, more=more) as gateway:
        balancer = Balancer(gateway, token, quotes)
        changes, reads = asyncio.run(balancer.traffic())
        assert gateway.process.wait(30) == 0
    calls = [*changes, *reads]
    assert [each for each in calls if isinstance(each, Lost)] == []
    answered = [each for each in calls if isinstance(each, Answered)]
    busy = [each for each in answered if each.status == BUSY]
    assert {each.status for each in answered} <= {200, 202, BUSY}, Counter(each.status for each in answered)
    assert all(each.json()["retryAfterSeconds"] for each in busy)
    assert len(busy) < len(answered) / 2
    late = [each for each in answered if each.started > balancer.terminated_at]
    assert len(late) > MUTATING, "traffic went on after the signal"
    assert all(each.parted for each in late if each.ended > balancer.terminated_at + NOTICED_S)
    early = [each for each in answered if each.ended < balancer.terminated_at]
    assert not any(each.parted for each in early), "connections were kept until then"

    with running_gateway(neighbours, tmp_path / "ordergate.db", tmp_path / "after", more=more) as gateway:
        after = Balancer(gateway, token, quotes)
        repeats = asyncio.run(one_by_one(after, len(changes)))
        operations = [each.json()["operationId"] for each in repeats]
        ended = asyncio.run(all_ended(gateway, token, operations))
    for operation_id, told in zip(operations, changes, strict=True):
        assert isinstance(told, Answered)
        assert told.status == BUSY or told.json()["operationId"] == operation_id
    assert set(ended.values()) <= set(ENDED), Counter(ended.values())
    assert [len(witness.orders_of(full_sandbox, each)) for each in operations] == [1] * len(changes)
    assert witness.posts(full_sandbox) == len(changes)


async def one_by_one(balancer: Balancer, count: int) -> list[Answered]:
    """Every conversion again, with its own key, as somebody does who is not sure: each is there, and is the same."""
    repeats = []
    for number in range(count):
        again = await balancer.convert(number)
        for _ in range(50):
            if isinstance(again, Answered) and again.status != BUSY:
                break
            await asyncio.sleep(0.2)
            again = await balancer.convert(number)
        assert isinstance(again, Answered), again
        assert again.status in {201, ACCEPTED}, again.body
        repeats.append(again)
    balancer.lines.close()
    return repeats


async def all_ended(gateway: Gateway, token: str, operations: list[str]) -> dict[str, str]:
    """The state in which each came to rest."""
    states = dict.fromkeys(operations, "")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False, timeout=20) as client:
        ends_at = asyncio.get_running_loop().time() + 60
        while (moving := [each for each in operations if states[each] not in AT_REST]) and (
            asyncio.get_running_loop().time() < ends_at
        ):
            for each in moving:
                states[each] = (await client.get(f"/v1/operations/{each}")).json()["state"]
            await asyncio.sleep(0.2)
    return states
