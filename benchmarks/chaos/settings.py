"""The configuration of the replicas: the shipped sandbox world, hastened.

A campaign of a minute cannot wait a real settle time. SAP's work is late by less than SETTLE_S here, and nobody is
waited for longer than TIMEOUT_S; both keep their order: a late commit comes after the time-out and before the settle
time is over.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.settings import NAMES, SANDBOX_FILE
from tests.sandbox import RunningSandbox

SETTLE_S = 4.0
LATEST_COMMIT_S = 2.5
TIMEOUT_S = 1.5
LONGEST_PAUSE_S = 8.0
"""Between two attempts at a system. One that says that its calls of the day are used up is asked again after this."""
_CLIENTS = ("crm", "dealer-north", "dealer-south")
_SYSTEMS = ("s4-1710", "crm-main", "aps-1710")


def write_world(where: Path) -> Path:
    """The TOML file of the campaign."""
    text = SANDBOX_FILE.read_text()
    text, settled = re.subn(r"(?m)^settle_seconds = .*$", f"settle_seconds = {SETTLE_S}", text)
    for instance in _SYSTEMS:
        text = _after(text, f'instance = "{instance}"', f"timeout_seconds = {TIMEOUT_S}")
    for client in _CLIENTS:
        text = _without_quota(text, client)
    text += f"\n[queues]\nlongest_pause_seconds = {LONGEST_PAUSE_S}\n"
    if not settled:
        raise LookupError(f"{SANDBOX_FILE} names no settle time any more")
    file = where / "world.toml"
    file.write_text(text)
    return file


def _after(text: str, line: str, more: str) -> str:
    changed, found = re.subn(rf"(?m)^{re.escape(line)}$", f"{line}\n{more}", text)
    if found != 1:
        raise LookupError(f"{SANDBOX_FILE} has {found} lines {line}")
    return changed


def _without_quota(text: str, client: str) -> str:
    """The campaign is no test of quotas: whatever the client's own is, it gets one that nobody spends."""
    head, name, rest = text.partition(f'client_id = "{client}"\n')
    own, end, others = rest.partition("\n[[")
    own = re.sub(r"(?m)^(?:plan|limit) = .*\n?", "", own)
    if not name:
        raise LookupError(f"{SANDBOX_FILE} knows no client {client}")
    return f'{head}{name}limit = "1000000 per 1 minute"\n{own}{end}{others}'


def environment(
    sandbox: RunningSandbox, world: Path, database_url: str, redis_url: str, ports: tuple[int, int]
) -> dict[str, str]:
    """What a replica is told."""
    told = {
        "ORDERGATE_ENV": "sandbox",
        "ORDERGATE_CONFIG": str(world),
        "ORDERGATE_DATABASE_URL": database_url,
        "ORDERGATE_PORT": str(ports[0]),
        "ORDERGATE_INTERNAL_PORT": str(ports[1]),
        "ORDERGATE_DRIFT_CHECK": "off",
    }
    told |= {f"ORDERGATE_SANDBOX_{name.upper()}": sandbox.urls[name] for name in ("issuer", *_NEIGHBOURS)}
    return told | ({"ORDERGATE_REDIS_URL": redis_url} if "ORDERGATE_REDIS_URL" in NAMES else {})


_NEIGHBOURS = ("sap", "salesforce", "scheduler")
