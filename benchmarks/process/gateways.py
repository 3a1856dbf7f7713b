"""Gateways in processes of their own on the stores of production, a sandbox before them, a collector behind them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
from aiohttp import web

from app import settings
from app.cli.pair import Sandbox, access_token, running_sandbox
from app.cli.processes import child, clean_environment
from benchmarks.processes import cpu_s, rss_mib
from tests.postgres import free_port, running_postgres
from tests.redis_server import running_redis

READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Process:
    """A gateway that is ready, and how long that took from the first of its instructions."""

    url: str
    pid: int
    ready_after_s: float

    def cpu_s(self) -> float:
        """User and system so far."""
        return cpu_s(self.pid)

    def rss_mib(self) -> float:
        """What of it is in memory now."""
        return rss_mib(self.pid)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where gateways start: all on the same stores, before the same sandbox."""

    sandbox: Sandbox
    common: Mapping[str, str]
    directory: Path

    def token(self) -> str:
        return access_token(self.sandbox.issuer, "crm", "crm-sandbox-secret")

    @contextmanager
    def gateway(self, name: str, **more: str) -> Iterator[Process]:
        """`ordergate serve` as it is installed, until the block ends."""
        outer, inner = free_port(), free_port()
        ports = {"ORDERGATE_PORT": str(outer), "ORDERGATE_INTERNAL_PORT": str(inner)}
        environment = {**clean_environment(), **self.sandbox.environment(), **self.common, **ports, **more}
        began = time.perf_counter()
        with child(["serve"], env=environment, log=self.directory / f"{name}.log") as process:
            while not _is_ready(f"http://127.0.0.1:{inner}"):
                if process.poll() is not None or time.perf_counter() - began > READY_S:
                    raise TimeoutError((self.directory / f"{name}.log").read_text()[-2000:])
                time.sleep(0.005)
            yield Process(f"http://127.0.0.1:{outer}", process.pid, time.perf_counter() - began)


@contextmanager
def stage(directory: Path, *, embedded: bool) -> Iterator[Stage]:
    """On PostgreSQL and Redis as `--role api`, or `embedded`: one process with everything in a file."""
    config = directory / "open.toml"
    one = 'client_id = "crm"\n'
    config.write_text(settings.SANDBOX_FILE.read_text().replace(one, f'{one}limit = "100000000 per 1 minute"\n'))
    common = {
        "ORDERGATE_ENV": "sandbox",
        "ORDERGATE_CONFIG": str(config),
        "ORDERGATE_DRIFT_CHECK": "off",
        "ORDERGATE_LOG_LEVEL": "WARNING",
    }
    with ExitStack() as ends:
        sandbox = ends.enter_context(running_sandbox(directory, free_ports=True))
        if not embedded:
            common["ORDERGATE_ROLE"] = "api"
            common["ORDERGATE_DATABASE_URL"] = ends.enter_context(running_postgres()).url
            common["ORDERGATE_REDIS_URL"] = ends.enter_context(running_redis()).url
        else:
            common["ORDERGATE_DATABASE_URL"] = f"sqlite+aiosqlite:///{directory}/embedded.db"
        yield Stage(sandbox, common, directory)


@dataclass
class Collector:
    """Takes spans and throws them away; `batches` says that some came."""

    url: str = ""
    batches: int = 0

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        self.batches += 1
        return web.Response()


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector, port = Collector(), free_port()
    app = web.Application(client_max_size=1 << 26)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    collector.url = f"http://127.0.0.1:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


@asynccontextmanager
async def calling(process: Process, token: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(process.url, headers={"Authorization": f"Bearer {token}"}) as session:
        yield session


def _is_ready(internal_url: str) -> bool:
    try:
        return httpx.get(f"{internal_url}/readyz", timeout=2, trust_env=False).json()["status"] == "ready"
    except (httpx.TransportError, ValueError):
        return False
