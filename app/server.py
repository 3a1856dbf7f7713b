"""`ordergate serve`: two listeners in one loop, and an end that loses no call."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from app import database
from app import settings as settings_of_process
from app.main import Gateway, create_app
from app.prompt_heads import PromptHeads
from app.settings import Settings, SettingsError
from app.shell.asgi import Asgi
from app.telemetry import start_logging, tracing
from app.told_refusals import ToldRefusals

log = logging.getLogger("ordergate.server")

MISCONFIGURED = 2
NOT_STARTED = 3
KEEP_ALIVE_S = 75
MOST_CONNECTIONS = 2048


class StartFailed(Exception):
    """The process cannot serve. Its text is one line that says what to look at."""


class Listener(uvicorn.Server):
    """A uvicorn server that leaves signals, and the end of the process, to whoever runs both of them."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.failed = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as ended:
            self.failed = True
            where = f"{self.config.host}:{self.config.port} cannot be served"
            raise StartFailed(f"{where}: {_why(ended.__context__)}") from None
        finally:
            self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(settings: Settings | None = None) -> None:
    """Serve until SIGTERM or SIGINT. A wrong setting ends the process with one line and code 2."""
    try:
        chosen = settings or settings_of_process.load()
    except SettingsError as wrong:
        sys.stderr.write(f"ordergate: {wrong}\n")
        raise SystemExit(MISCONFIGURED) from None
    start_logging(chosen.log_level)
    try:
        _require_store(chosen.database_url)
        with tracing(chosen) as tracer, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(chosen, create_app(chosen, tracer=tracer)))
    except StartFailed as failed:
        sys.stderr.write(f"ordergate: {failed}\n")
        raise SystemExit(NOT_STARTED) from None


async def run(settings: Settings, gateway: Gateway, stop: asyncio.Event | None = None) -> None:
    """Both doors, until `stop` is set or a signal sets it.

    The internal one opens first and closes last: its lifespan is that of everything, and it tells how it ends.
    """
    stopping = stop or asyncio.Event()
    internal = listener(gateway.internal, settings.internal_host, settings.internal_port, settings.drain_s)
    external = listener(gateway.external, settings.host, settings.port, settings.drain_s)
    with signals_setting(stopping):
        async with opened(internal):
            if settings.role == "worker":
                await _until_stopped(settings, gateway, stopping, [internal])
                return
            async with opened(external):
                await _until_stopped(settings, gateway, stopping, [external, internal])


def _require_store(url: str) -> None:
    """A store that cannot be opened is said in one line, before the doors are touched."""
    try:
        database.try_out(url)
    except (SQLAlchemyError, OSError) as failure:
        said = str(getattr(failure, "orig", None) or failure).partition("\n")[0]
        raise StartFailed(f"ORDERGATE_DATABASE_URL: the store cannot be opened: {said}") from None


def _why(cause: BaseException | None) -> str:
    """uvicorn ends the process where it cannot bind; what it met is the context of that end."""
    if not isinstance(cause, OSError):
        return "see the log"
    reason = (cause.strerror or str(cause)).rpartition(": ")[2]
    return f"{reason}; ORDERGATE_HOST, ORDERGATE_PORT and their ORDERGATE_INTERNAL_ twins say where the doors are"


async def _until_stopped(
    settings: Settings, gateway: Gateway, stopping: asyncio.Event, doors: Sequence[Listener]
) -> None:
    log.info("serving", extra={"doors": [address(door) for door in doors], "role": settings.role})
    await stopping.wait()
    log.info("stopping")
    gateway.health.draining = True  # load balancers look away first, and only then are connections refused
    if settings.role != "worker":  # nobody is sent to one, and its operations are waited for elsewhere
        await asyncio.sleep(settings.shutdown_delay_s)
    await gateway.leaving.quiet(settings.drain_s)


@asynccontextmanager
async def opened(server: Listener) -> AsyncIterator[None]:
    """The server listens inside the block, and has drained after it."""
    task = asyncio.create_task(server.serve())
    try:
        await server.listening.wait()
        if not server.failed:
            yield
    finally:
        server.should_exit = True
        await task


@contextmanager
def signals_setting(stopping: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set the event while the block runs."""
    loop = asyncio.get_running_loop()
    watched = (signal.SIGTERM, signal.SIGINT)
    for each in watched:
        loop.add_signal_handler(each, stopping.set)
    try:
        yield
    finally:
        for each in watched:
            loop.remove_signal_handler(each)


def listener(
    app: Asgi, host: str, port: int, drain_s: float, *, protocol: type[PromptHeads] = ToldRefusals
) -> Listener:
    """One door on one address. Nothing names the software behind it."""
    return Listener(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=protocol,
            ws="none",
            lifespan="on",
            server_header=False,
            access_log=False,
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, round(drain_s)),
            limit_concurrency=MOST_CONNECTIONS,
        )
    )


def address(server: Listener) -> str:
    """Where a started server listens: the port matters if it was chosen by the system."""
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"
