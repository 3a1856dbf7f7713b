"""What the story stands on: the processes, the door, the witness, and the tokens of its people."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.cli.demo.door import Door
from app.cli.demo.narrate import Narrator
from app.cli.demo.neighbours import Witness
from app.cli.pair import (
    GATEWAY_PORT,
    INTERNAL_PORT,
    Gateway,
    Sandbox,
    access_token,
    running_gateway,
    running_sandbox,
)
from app.cli.processes import preferred

SECRETS = {
    "dealer-north": "north-sandbox-secret",
    "viewer": "viewer-sandbox-secret",
    "trickle": "trickle-sandbox-secret",
}
CUSTOMER = "17100001"
"""The sold-to party that dealer-north speaks for."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a chapter needs. `today` is the day on which the sandbox's world began."""

    narrator: Narrator
    sandbox: Sandbox
    gateway: Gateway
    door: Door
    witness: Witness
    today: date

    def token_of(self, client: str) -> str:
        return access_token(self.sandbox.issuer, client, SECRETS[client])


@contextmanager
def on_stage(narrator: Narrator, announced: Path | None, logs: Path) -> Iterator[Stage]:
    """Sandbox and gateway as processes of their own, gone when the block ends, however it ends."""
    with ExitStack() as ends:
        scratch = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="ordergate-")))
        with narrator.chapter("Two processes on this machine"):
            began = time.monotonic()
            sandbox = Sandbox.announced_in(announced) if announced else ends.enter_context(running_sandbox(logs))
            narrator.say(f"sandbox: issuer {sandbox.issuer}, SAP {sandbox.sap}")
            narrator.say(f"         Salesforce {sandbox.salesforce}, scheduler {sandbox.scheduler}")
            ports = preferred(GATEWAY_PORT), preferred(INTERNAL_PORT)
            gateway = ends.enter_context(running_gateway(sandbox, scratch / "ordergate.db", logs, ports=ports))
            narrator.say(f"gateway: {gateway.url}, operators {gateway.internal_url}")
            narrator.say(f"both answer after {time.monotonic() - began:.1f} s")
        door = Door(gateway.url, narrator)
        ends.callback(door.close)
        witness = Witness(sandbox)
        ends.callback(witness.close)
        yield Stage(narrator, sandbox, gateway, door, witness, witness.today())
