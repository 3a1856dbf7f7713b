"""The policies in order. Read `run` from top to bottom: that is what happens to every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.access import require_kind, require_role, require_scope, require_version
from policies.answer import Answer
from policies.audit import Act, Touched, record
from policies.call import Call
from policies.clients import Client
from policies.credential import Credential
from policies.errors import (
    CredentialsMalformed,
    CredentialsMissing,
    KeyInvalid,
    LimitSpent,
    PolicyRefusal,
    TokenInvalid,
    WeightAboveLimit,
)
from policies.failed_logins import FailedLogins, Knocks
from policies.idempotency import REPLAYED, Claim, Ledger
from policies.identities import Identities
from policies.limit_fields import POLICY_FIELD, STATE_FIELD
from policies.once import fingerprint, idempotency_key
from policies.rate_limit import OF_A_REFUSAL, Admission, RateLimits
from policies.sheet import Sheet
from policies.usage import Usage
from policies.versioning import filled, require_living

T = TypeVar("T")
A = TypeVar("A")

UNDER_WAY: Final = 202
"""The one status that says nothing of the end (RFC 9110 §15.3.3)."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts, made once. What a route asks of them stands on its sheet."""

    failed_logins: FailedLogins
    identities: Identities
    limits: RateLimits
    ledger: Ledger
    usage: Usage | None = None
    knocks: Knocks = field(default_factory=Knocks)

    async def run(
        self,
        call: Call,
        sheet: Sheet,
        *,
        decode: Callable[[bytes], T],
        visible: Callable[[Client, T], None],
        process: Callable[[Credential, T, Claim | None], Awaitable[A]],
        encode: Callable[[A], Answer],
        renew: Callable[[Credential, str], Awaitable[A]] | None = None,
    ) -> Answer:
        """Enforce the sheet, then ask the process. A refusal is raised; nothing of it is kept.

        `decode` and `visible` raise what they find wrong. `call.answer_headers` belongs on the answer in either case.
        `renew` reads what an answer that said "under way" was about, as it stands now.
        """
        credential = await self._authenticate(call)
        client = credential.client
        call.learned["credential"] = credential
        require_scope(client, sheet.scope, credential.kind)
        require_kind(client, sheet.kinds)
        require_role(client, sheet.roles)
        self._note_version(call, client, sheet)
        try:
            if sheet.if_match:
                require_version(call)
            wish = (client.client_id, call.operation, idempotency_key(call), fingerprint(call)) if sheet.once else None
            kept = await self.ledger.look_up(*wish) if wish else None
        except PolicyRefusal:  # refused before it was charged: it is told how it stands all the same
            call.answer_headers.update(await self.limits.fields(client, call.operation))
            raise
        if wish and kept:
            return await self._replayed(call, kept, wish, encode, renew and partial(renew, credential))
        request, admission = await self._charged(client, call, sheet, decode, visible)
        with admission:
            if not wish:
                return encode(await process(credential, request, None)).with_headers(call.answer_headers)
            witness = partial(_account_for, call, credential, wish[3])
            claim = await self.ledger.claim(*wish, encode=encode, kept=sheet.kept, witness=witness)
            if isinstance(claim, Answer):
                return await self._replayed(call, claim, wish, encode, renew and partial(renew, credential))
            async with claim:
                answer = await process(credential, request, claim)
                if not claim.settled:
                    async with claim.settle() as settlement:
                        settlement.answer = answer
            return encode(answer).with_headers(call.answer_headers)

    def _note_version(self, call: Call, client: Client, sheet: Sheet) -> None:
        """Who still calls what is counted before an end refuses it: that is when one wants to know most."""
        if self.usage is not None:
            self.usage.count(client.client_id, call.operation, call.received_at)
        require_living(sheet.ending, call.received_at)

    async def _replayed(
        self,
        call: Call,
        kept: Answer,
        wish: tuple[str, str, str, str],
        encode: Callable[[A], Answer],
        renew: Callable[[str], Awaitable[A]] | None,
    ) -> Answer:
        """A repeat costs nothing and tells nothing about limits.

        It is told what the first call was told, word for word, unless that was "under way": then how it stands now, so
        that nobody is sent to wait for what is long over. Once there is an end, that is kept.
        """
        for name in (POLICY_FIELD, STATE_FIELD):
            call.answer_headers.pop(name, None)
        if kept.status != UNDER_WAY or kept.subject is None or renew is None:
            return kept.with_headers(call.answer_headers)
        now = encode(await renew(kept.subject))
        if now.status != UNDER_WAY:
            await self.ledger.renew(*wish, answer=now)
        return now.with_headers(REPLAYED | call.answer_headers)

    async def _authenticate(self, call: Call) -> Credential:
        # behind one proxy all callers share an address: what was good a moment ago is let in all the same
        if not self.identities.knows(call):
            self.knocks.knock(call)
            await self.failed_logins.refuse_if_spent(call.client_address)
        try:
            return await self.identities.authenticate(call)
        except (CredentialsMissing, CredentialsMalformed, TokenInvalid, KeyInvalid):
            await self.failed_logins.count(call.client_address)
            raise

    async def _charged(
        self,
        client: Client,
        call: Call,
        sheet: Sheet,
        decode: Callable[[bytes], T],
        visible: Callable[[Client, T], None],
    ) -> tuple[T, Admission]:
        """The decoded request, paid for by its weight, and its place; one that cannot be read or seen costs 1."""
        terms = (call.operation, sheet.outage)
        try:
            try:
                request = decode(call.body)
                visible(client, request)
                weight = sheet.weight(request)
            except BaseException:  # whatever is wrong with it: finding out was work
                call.answer_headers.update(await self.limits.charge(client, OF_A_REFUSAL, *terms))
                raise
            admission = await self.limits.admit(client, weight, *terms)
        except (LimitSpent, WeightAboveLimit) as refused:
            call.answer_headers.update(refused.headers)
            raise
        call.answer_headers.update(admission.fields)
        return request, admission


async def _account_for(
    call: Call, credential: Credential, print_: str, connection: AsyncConnection, touched: Touched | None
) -> None:
    """The entry of a mutation, in its own transaction."""
    told = touched or Touched(subject=filled(call.route, call.path_params))
    await record(
        connection,
        Act(
            act=call.operation,
            client_id=credential.client.client_id,
            credential=credential.name,
            correlation_id=call.correlation_id,
            fingerprint=print_,
            **msgspec.structs.asdict(told),
        ),
        datetime.now(UTC),
    )
