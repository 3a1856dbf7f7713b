"""All systems in one process: one port each, one world behind them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from system_apis.sandbox import control, issuer, salesforce, sap, scheduler, tls
from system_apis.sandbox.asgi import App, Receive, Scope, Send
from system_apis.sandbox.door import Door
from system_apis.sandbox.faults import Faults, Inside, System, behind_faults
from system_apis.sandbox.faults.canaries import Canaries
from system_apis.sandbox.journal import Journal
from system_apis.sandbox.salesforce import assertion
from system_apis.sandbox.salesforce.records import Crm
from system_apis.sandbox.salesforce.session import Sessions
from system_apis.sandbox.sap.installed import SalesOrderService
from system_apis.sandbox.scheduler import Shopfloor
from system_apis.sandbox.world import World, many, quotes
from system_apis.sandbox.world.plants import plant_day


@dataclass(frozen=True)
class Options:
    """Port 0 takes a free one. No `tls_port`, no TLS door; else the authority's certificate goes to `ca_file`."""

    host: str = "127.0.0.1"
    issuer_port: int = 9410
    sap_port: int = 9411
    salesforce_port: int = 9412
    scheduler_port: int = 9413
    control_port: int = 9414
    tls_port: int | None = None
    ca_file: Path = Path("sandbox-ca.pem")
    key_file: Path | None = None
    issuer_url: str | None = None
    announce: Path | None = None
    today: date | None = None
    seed: int = 1
    quotes: int = 0
    repeatability: bool = False
    sap_sales_order: SalesOrderService = "both"
    jwt_key_file: Path | None = None


class Sandbox:
    """The systems, the world they share, and their doors."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.world = World.seed(self._today())
        key = assertion.key_of(options.jwt_key_file) if options.jwt_key_file else None
        self.crm, self.sessions = Crm(), Sessions(key)
        self._more = many.sketches(options.quotes, options.seed)
        self._fill()
        self.shopfloor = Shopfloor(self.world.today)
        self.erp = sap.app(self.world)
        self._configure_erp()
        self.journal: Journal = Journal()
        self.canaries = Canaries()
        self.doors: dict[System, list[Door]] = {}
        self.faults: Faults = Faults(self.doors, self._inside(), options.seed)
        self.control = Door(control.app(self), options.host, options.control_port)

    @property
    def urls(self) -> dict[str, str]:
        urls = {system: doors[0].url for system, doors in self.doors.items()} | {"control": self.control.url}
        if len(self.doors["salesforce"]) > 1:
            urls["salesforceTls"] = self.doors["salesforce"][1].url
        return urls

    async def open(self) -> None:
        """Opens every door; the issuer's last step needs its own address, which is its name."""
        o = self._options
        self._put("sap", self.erp, o.sap_port)
        self._put("salesforce", salesforce.app(self.crm, self.sessions), o.salesforce_port)
        if o.tls_port is not None:
            self._put("salesforce", salesforce.app(self.crm, self.sessions), o.tls_port, secure=True)
        self._put("scheduler", scheduler.app(self.shopfloor), o.scheduler_port)
        named: list[App] = []

        async def issuing(scope: Scope, receive: Receive, send: Send) -> None:
            await named[0](scope, receive, send)

        self._put("issuer", issuing, o.issuer_port)
        for door in [*(door for doors in self.doors.values() for door in doors), self.control]:
            await door.open()
        name = o.issuer_url or self.doors["issuer"][0].url
        named.append(issuer.app(issuer.Issuer(name, o.key_file)))

    async def shut(self) -> None:
        self.faults.forget_later()
        for door in [*(door for doors in self.doors.values() for door in doors), self.control]:
            await door.shut()

    async def reset(self) -> None:
        """A new world, no faults, an empty journal. Sessions and the issuer's key stay: nobody has to log in again."""
        self.faults.forget_later()
        await self.faults.lift()
        self.canaries.lift()
        self.world.today = self._today()
        self.world.reset()
        self._fill()
        self.shopfloor.reset(self.world.today)
        self._configure_erp()
        self.journal.clear()

    def _configure_erp(self) -> None:
        o = self._options
        self.erp.configure(repeatability=o.repeatability, sales_order=o.sap_sales_order)

    def _fill(self) -> None:
        quotes.seed(self.crm, self.world.today, dict(enumerate(self._more, start=many.FIRST_NAME)))
        for place, quantity in many.needed(self._more).items():
            self.world.stock[place] = self.world.stock.get(place, Decimal(0)) + quantity

    def _inside(self) -> Inside:
        return {
            ("sap", "csrfExpired"): lambda _path, _body: self.erp.sessions.end_all(),
            ("sap", "sessionExpired"): lambda _path, _body: self.erp.logon.end_all(),
            ("sap", "staleVersion"): self.erp.edited_by_hand,
            ("salesforce", "sessionExpired"): lambda _path, _body: self.sessions.end_all(),
            ("salesforce", "staleVersion"): self.crm.edited_by_hand,
            ("scheduler", "staleVersion"): self.shopfloor.edited_by_hand,
            ("scheduler", "planMoved"): self.shopfloor.fill,
        }

    def _today(self) -> date:
        return self._options.today or plant_day(datetime.now(UTC))

    def _put(self, system: System, app: App, port: int, *, secure: bool = False) -> None:
        context = tls.make(self._options.ca_file) if secure else None
        door = Door(
            behind_faults(system, app, self.faults, self.journal, self.canaries), self._options.host, port, context
        )
        self.doors.setdefault(system, []).append(door)


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[Sandbox]:
    """A sandbox in this very loop, all its doors open."""
    sandbox = Sandbox(options)
    try:
        await sandbox.open()
        yield sandbox
    finally:
        await sandbox.shut()


async def serve(options: Options) -> None:
    """Runs until SIGTERM or SIGINT; says in one line of JSON where everything is once it answers."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("ordergate.sandbox").setLevel(logging.INFO)
    ended = asyncio.Event()
    for stop in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(stop, ended.set)
    async with running(options) as sandbox:
        files = {"ca": options.ca_file if options.tls_port is not None else None, "jwtKey": options.jwt_key_file}
        more = {name: str(file.resolve()) for name, file in files.items() if file}
        _announce(msgspec.json.encode({"pid": os.getpid(), "urls": sandbox.urls, **more}), options.announce)
        await ended.wait()
    # Requests that wait on purpose (a delay, a late commit) end with the process, without a traceback each.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)


def _announce(line: bytes, file: Path | None) -> None:
    if file is None:
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()
        return
    draft = file.with_suffix(".part")
    draft.write_bytes(line)
    draft.replace(file)
