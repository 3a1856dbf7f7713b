"""The policies in order. Read `run` from top to bottom: that is what happens to every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from policies.access import require_kind, require_scope, require_version
from policies.answer import Answer
from policies.call import Call
from policies.clients import Client
from policies.errors import CredentialsMalformed, CredentialsMissing, LimitSpent, TokenInvalid
from policies.failed_logins import FailedLogins
from policies.idempotency import Claim, Ledger
from policies.limit_fields import POLICY_FIELD, STATE_FIELD
from policies.oauth import OAuth
from policies.once import fingerprint, idempotency_key
from policies.rate_limit import RateLimits
from policies.sheet import Sheet

T = TypeVar("T")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts, made once. What a route asks of them stands on its sheet."""

    failed_logins: FailedLogins
    oauth: OAuth
    limits: RateLimits
    ledger: Ledger

    async def run(
        self,
        call: Call,
        sheet: Sheet,
        *,
        decode: Callable[[bytes], T],
        visible: Callable[[Client, T], None],
        process: Callable[[Client, T, Claim | None], Awaitable[A]],
        encode: Callable[[A], Answer],
    ) -> Answer:
        """Enforce the sheet, then ask the process. A refusal is raised; nothing of it is kept.

        `decode` and `visible` raise what they find wrong. `call.answer_headers` belongs on the answer in either case.
        """
        client = await self._authenticate(call)
        require_scope(client, sheet.scope)
        require_kind(client, sheet.kinds)
        call.answer_headers.update(await self.limits.fields(client))
        if sheet.if_match:
            require_version(call)
        wish = (client.client_id, call.operation, idempotency_key(call), fingerprint(call)) if sheet.once else None
        if wish and (kept := await self.ledger.look_up(*wish)):
            return _replay(call, kept)
        request = await self._charged(client, call, sheet, decode, visible)
        if not wish:
            return encode(await process(client, request, None)).with_headers(call.answer_headers)
        claim = await self.ledger.claim(*wish, encode=encode, kept=sheet.kept)
        if isinstance(claim, Answer):
            return _replay(call, claim)
        async with claim:
            answer = await process(client, request, claim)
            if not claim.settled:
                async with claim.settle() as settlement:
                    settlement.answer = answer
        return encode(answer).with_headers(call.answer_headers)

    async def _authenticate(self, call: Call) -> Client:
        try:
            await self.failed_logins.refuse_if_spent(call.client_address)
        except LimitSpent:
            # behind one proxy all callers share an address: a token that was good a moment ago is let in all the same
            if not self.oauth.knows(call):
                raise
        try:
            return await self.oauth.authenticate(call)
        except (CredentialsMissing, CredentialsMalformed, TokenInvalid):
            await self.failed_logins.count(call.client_address)
            raise

    async def _charged(
        self,
        client: Client,
        call: Call,
        sheet: Sheet,
        decode: Callable[[bytes], T],
        visible: Callable[[Client, T], None],
    ) -> T:
        """The decoded request, paid for by its weight; one that cannot be read or may not be seen costs 1."""
        weight = 1
        try:
            request = decode(call.body)
            visible(client, request)
            weight = sheet.weight(request)
        finally:
            call.answer_headers.update(await self.limits.charge(client, weight))
        return request


def _replay(call: Call, kept: Answer) -> Answer:
    """A repeat costs nothing and tells nothing about limits."""
    for name in (POLICY_FIELD, STATE_FIELD):
        call.answer_headers.pop(name, None)
    return kept
