"""The door as a well-behaved client uses it: a token, a key per wish, the same key again until there is an answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

SECRETS = {
    "crm": "crm-sandbox-secret",
    "dealer-north": "north-sandbox-secret",
    "dealer-south": "south-sandbox-secret",
}
_DEALERS = {"17100001": "dealer-north", "17100002": "dealer-south"}
_CALL_S = 12.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.3, 4.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_FLIGHT = "idempotency-key-in-flight"


def client_for(customer: str) -> str:
    """Dealers see to their own quotes, the CRM to everybody else's."""
    return _DEALERS.get(customer, "crm")


@dataclass
class Portal:
    """Calls any of the replicas, the next one after each failure."""

    urls: Sequence[str]
    issuer: str
    http: httpx.AsyncClient
    chance: Random
    tokens: dict[str, str] = field(default_factory=dict)

    async def send(self, client: str, method: str, path: str, troubles: Counter[str], **request: Any) -> httpx.Response:
        """The answer, however often it has to be asked for. The caller ends this by being cancelled."""
        pause_s, at = _FIRST_PAUSE_S, self.chance.randrange(len(self.urls))
        headers = request.pop("headers", {})
        while True:
            told = await self._once(client, method, self.urls[at % len(self.urls)] + path, headers, request)
            if isinstance(told, httpx.Response) and not _again(told):
                return told
            troubles[_named(told)] += 1
            if isinstance(told, httpx.Response) and told.status_code == httpx.codes.UNAUTHORIZED:
                self.tokens.pop(client, None)
            wished = told.headers.get("retry-after") if isinstance(told, httpx.Response) else None
            await asyncio.sleep(min(float(wished), _LONGEST_PAUSE_S) if wished else pause_s)
            pause_s, at = min(pause_s * 1.5, _LONGEST_PAUSE_S), at + 1

    async def _once(
        self, client: str, method: str, url: str, headers: dict[str, str], request: dict[str, Any]
    ) -> httpx.Response | httpx.TransportError:
        try:
            authorization = {"Authorization": f"Bearer {await self._token(client)}"}
            return await self.http.request(method, url, headers=headers | authorization, timeout=_CALL_S, **request)
        except httpx.TransportError as lost:
            return lost

    async def _token(self, client: str) -> str:
        if client not in self.tokens:
            answer = await self.http.post(
                f"{self.issuer}/token",
                data={"grant_type": "client_credentials"},
                auth=(client, SECRETS[client]),
                timeout=_CALL_S,
            )
            if not answer.is_success:
                raise httpx.ReadError(f"the issuer answers {answer.status_code}")
            self.tokens[client] = str(answer.json()["access_token"])
        return self.tokens[client]


def code_of(answer: httpx.Response) -> str:
    """The problem's code, or the status where there is no problem in the body."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)


def _again(answer: httpx.Response) -> bool:
    unauthorized = answer.status_code == httpx.codes.UNAUTHORIZED
    return unauthorized or answer.status_code in _AGAIN or (answer.is_error and code_of(answer) == _IN_FLIGHT)


def _named(told: httpx.Response | httpx.TransportError) -> str:
    return code_of(told) if isinstance(told, httpx.Response) else type(told).__name__
