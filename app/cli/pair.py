"""The sandbox and a gateway in front of it, side by side: what `run`, `demo` and the end-to-end tests stand on."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx

from app.cli.processes import await_ready, child, clean_environment, preferred, some_port

GATEWAY_PORT = 8080
INTERNAL_PORT = 8081
SANDBOX_PORTS = {"issuer": 9410, "sap": 9411, "salesforce": 9412, "scheduler": 9413, "control": 9414}


class NotAnnounced(Exception):
    """A file that is not what a sandbox announces."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where each neighbour listens."""

    issuer: str
    sap: str
    salesforce: str
    scheduler: str
    control: str

    @classmethod
    def announced_in(cls, file: Path) -> Sandbox:
        """Read what a running sandbox wrote with `--announce`, or raise NotAnnounced."""
        try:
            urls = json.loads(file.read_text())["urls"]
            return cls(**{name: urls[name] for name in SANDBOX_PORTS})
        except (ValueError, KeyError, TypeError):
            raise NotAnnounced(f"{file} names no sandbox: `ordergate sandbox --announce {file}` writes it") from None

    def environment(self) -> dict[str, str]:
        """The variables that the shipped sandbox configuration reads."""
        return {
            "ORDERGATE_SANDBOX_ISSUER": self.issuer,
            "ORDERGATE_SANDBOX_SAP": self.sap,
            "ORDERGATE_SANDBOX_SALESFORCE": self.salesforce,
            "ORDERGATE_SANDBOX_SCHEDULER": self.scheduler,
        }


@dataclass(frozen=True, slots=True)
class Gateway:
    """The two doors of a running gateway, its process and its log."""

    url: str
    internal_url: str
    process: Popen[bytes]
    log: Path


@contextmanager
def running_sandbox(logs: Path, *, free_ports: bool = False) -> Iterator[Sandbox]:
    """A sandbox on its usual ports, or on free ones where those are taken."""
    log = logs / "sandbox.log"
    with tempfile.TemporaryDirectory(prefix="ordergate-") as scratch:
        announced = Path(scratch) / "sandbox.json"
        arguments = ["sandbox", "--announce", str(announced)]
        for name, port in SANDBOX_PORTS.items():
            arguments += [f"--{name}-port", str(0 if free_ports else preferred(port))]
        with child(arguments, env=clean_environment(), log=log) as process:
            await_ready("sandbox", process, log, announced.exists)
            yield Sandbox.announced_in(announced)


@contextmanager
def running_gateway(
    sandbox: Sandbox,
    database: Path,
    logs: Path,
    *,
    ports: tuple[int, int] | None = None,
    more: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """A gateway that knows the sandbox, with its operations in the SQLite file `database`."""
    log = logs / "gateway.log"
    port, internal = ports or (some_port(), some_port())
    environment = {
        **clean_environment(),
        **sandbox.environment(),
        "ORDERGATE_ENV": "sandbox",
        "ORDERGATE_PORT": str(port),
        "ORDERGATE_INTERNAL_PORT": str(internal),
        "ORDERGATE_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        **(more or {}),
    }
    url, internal_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal}"
    with child(["serve"], env=environment, log=log) as process:
        await_ready("gateway", process, log, lambda: _alive(url))
        yield Gateway(url, internal_url, process, log)


@contextmanager
def running_pair(logs: Path, *, free_ports: bool = False) -> Iterator[tuple[Sandbox, Gateway]]:
    """Both, with a store that goes with them: the sandbox's world begins anew each time, so the gateway's does too."""
    ports = None if free_ports else (preferred(GATEWAY_PORT), preferred(INTERNAL_PORT))
    with (
        tempfile.TemporaryDirectory(prefix="ordergate-") as scratch,
        running_sandbox(logs, free_ports=free_ports) as sandbox,
        running_gateway(sandbox, Path(scratch) / "ordergate.db", logs, ports=ports) as gateway,
    ):
        yield sandbox, gateway


def access_token(issuer: str, client_id: str, secret: str) -> str:
    """An access token by client credentials (RFC 6749 §4.4)."""
    answer = httpx.post(
        f"{issuer}/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret), trust_env=False
    )
    return str(answer.raise_for_status().json()["access_token"])


def _alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", timeout=1, trust_env=False).is_success
    except httpx.TransportError:
        return False
