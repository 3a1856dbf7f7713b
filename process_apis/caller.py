"""Whom a process works for: handed to it by the edge with every call."""

from __future__ import annotations

from dataclasses import dataclass

from policies.clients import Client
from policies.idempotency import Claim
from system_apis.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Caller:
    """The client behind a call, the time it gave us, the version it saw, and its idempotency claim.

    `claim` is there on every route whose sheet says `once`; `if_match` on every route whose sheet says so.
    `wait_s` is what `Prefer: wait=N` asked for (RFC 7240), None if it did not.
    `credential` names the proof for audit rows: `token:<jti>`, `key:<key id>`, or `system` for what nobody asked for.
    """

    client: Client
    correlation_id: str
    deadline: Deadline
    claim: Claim | None = None
    if_match: str | None = None
    wait_s: float | None = None
    credential: str = "system"
