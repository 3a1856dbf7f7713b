"""Who is calling: whatever a call presents, a token or a key, becomes one credential of one registered client."""

from __future__ import annotations

from typing import Protocol

import msgspec

from policies.api_keys import looks_like_key
from policies.call import Call
from policies.clients import Client
from policies.credential import Credential
from policies.errors import CredentialsMalformed, CredentialsMissing, KeyInvalid, TokenInvalid
from policies.key_holders import KeyHolders
from policies.oauth import OAuth
from policies.presented import presented


class Registry(Protocol):
    """Where registered clients are found."""

    def find(self, client_id: str) -> Client | None: ...


class Identities:
    """The ways in. Which of them a call takes stands in the call; without `keys` there is only the one by tokens."""

    def __init__(self, oauth: OAuth, clients: Registry, first_issuer: str, keys: KeyHolders | None = None) -> None:
        self._oauth = oauth
        self._clients = clients
        self._first_issuer = first_issuer
        self._keys = keys

    async def authenticate(self, call: Call) -> Credential:
        """The credential of the call, with the scopes that it grants *and* the registry allows."""
        shown = presented(call)
        return await (self._by_key(shown.text) if shown.kind == "apiKey" else self._by_token(shown.text))

    def knows(self, call: Call) -> bool:
        """Whether what the call presents was good a moment ago: to look at it again costs next to nothing."""
        try:
            shown = presented(call)
        except (CredentialsMissing, CredentialsMalformed):
            return False
        if shown.kind == "apiKey":
            return self._keys is not None and self._keys.knows(shown.text)
        return self._oauth.knows(shown.text)

    async def aclose(self) -> None:
        await self._oauth.aclose()

    async def _by_token(self, token: str) -> Credential:
        if self._keys is not None and looks_like_key(token, self._keys.prefix):
            raise TokenInvalid("an API key is sent as ApiKey or in X-API-Key, not as Bearer")
        verified = await self._oauth.verify(token)
        client = self._clients.find(verified.client_id)
        if client is None or (client.issuer or self._first_issuer) != verified.issuer:
            raise TokenInvalid("the client is not registered here")
        if not client.enabled:
            raise TokenInvalid("the client is disabled")
        return Credential("token", verified.jti, _granted(client, verified.scopes))

    async def _by_key(self, text: str) -> Credential:
        if self._keys is None:
            raise KeyInvalid("API keys are not taken here")
        key = await self._keys.holder(text)
        client = self._clients.find(key.client_id)
        if client is None:
            raise KeyInvalid("the client of the key is not registered here")
        if not client.enabled:
            raise KeyInvalid("the client of the key is disabled")
        return Credential("apiKey", key.key_id, _granted(client, key.scopes))


def _granted(client: Client, scopes: frozenset[str]) -> Client:
    return msgspec.structs.replace(client, scopes=client.scopes & scopes)
