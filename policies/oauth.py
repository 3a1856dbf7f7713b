"""Who is calling: an access token of RFC 9068, checked against the keys of its issuer, becomes a registered client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from policies.bearer import bearer_token
from policies.call import Call
from policies.clients import Client, ClientRegistry
from policies.errors import CredentialsMalformed, CredentialsMissing, TokenInvalid
from policies.issuer_keys import IssuerKeys
from policies.tokens import SIGNATURES, TokenClaims, UnambiguousJson, peek, read_claims
from policies.verified import Verified, VerifiedTokens

LEEWAY_S = 30


class AccessTokens(JWTBearerTokenValidator):  # type: ignore[misc]  # authlib carries no types
    """RFC 9068 §4 as authlib checks it, with three things tightened: algorithms, JSON types, leeway.

    authlib verifies with joserfc's recommended algorithms, HS256 among them, and takes a token without `typ`.
    """

    def __init__(self, issuer: str, audience: str, keys: KeySet, now: Callable[[], float]) -> None:
        super().__init__(issuer, audience)
        self._keys = keys
        self._now = now

    def get_jwks(self) -> KeySet:
        return self._keys

    def authenticate_token(self, token_string: str) -> JWTAccessTokenClaims:
        token = jwt.decode(token_string, self.get_jwks(), registry=SIGNATURES, decoder_cls=UnambiguousJson)
        required = {name: {"essential": True} for name in ("exp", "sub", "client_id", "iat", "jti")}
        expected = {
            "iss": {"essential": True, "validate": self.validate_iss},
            "aud": {"essential": True, "value": self.resource_server},
        }
        return JWTAccessTokenClaims(token.claims, token.header, required | expected)

    def validate_token(self, token: JWTAccessTokenClaims, *_args: Any, **_kwargs: Any) -> None:
        token.validate(now=int(self._now()), leeway=LEEWAY_S)

    def read(self, token: str) -> TokenClaims:
        """The claims of a genuine token that is meant for us and valid now."""
        try:
            claims = self.authenticate_token(token)
            typed = read_claims(claims)  # first: the rules below expect numbers where numbers belong
            self.validate_token(claims)
        except (JoseError, InvalidTokenError, ValueError, RecursionError) as fault:
            # from None: what joserfc quotes in its messages came from the caller
            raise TokenInvalid(_reason(fault)) from None
        return typed


class OAuth:
    """The configured issuers, the audience that is us, and the clients that may come with a token."""

    def __init__(
        self,
        issuers: Iterable[IssuerKeys],
        audience: str,
        clients: ClientRegistry,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {keys.issuer: keys for keys in issuers}
        self._first_issuer = next(iter(self._issuers), "")
        self._audience = audience
        self._clients = clients
        self._now = now
        self._verified = VerifiedTokens()

    async def authenticate(self, call: Call) -> Client:
        """The client behind the call, with the scopes that its token grants *and* the registry allows."""
        token = bearer_token(call)
        verified = self._verified.find(token, self._now())
        # a key withdrawn by its issuer ends the tokens it signed: the key set is looked at even for a known token
        if verified is None or (await self._issuers[verified.issuer].current()).revision != verified.revision:
            verified = await self._verify(token)
            self._verified.keep(token, verified)
        return self._client(verified)

    def knows(self, call: Call) -> bool:
        """Whether the token of the call was verified a moment ago: to look at it costs no signature check."""
        try:
            token = bearer_token(call)
        except (CredentialsMissing, CredentialsMalformed):
            return False
        return self._verified.find(token, self._now()) is not None

    async def aclose(self) -> None:
        for issuer in self._issuers.values():
            await issuer.aclose()

    async def _verify(self, token: str) -> Verified:
        header, issuer = peek(token)
        if issuer not in self._issuers:
            raise TokenInvalid("the token comes from an issuer that is not accepted")
        keys = await self._issuers[issuer].knowing(header.kid)
        claims = AccessTokens(issuer, self._audience, keys.key_set, self._now).read(token)
        return Verified(issuer, claims.client_id, frozenset(claims.scope.split()), claims.exp, keys.revision)

    def _client(self, verified: Verified) -> Client:
        client = self._clients.find(verified.client_id)
        if client is None or (client.issuer or self._first_issuer) != verified.issuer:
            raise TokenInvalid("the client is not registered here")
        return msgspec.structs.replace(client, scopes=client.scopes & verified.scopes)


def _reason(fault: Exception) -> str:
    match fault:
        case ExpiredTokenError():
            return "the token has expired"
        case ClaimError():
            return f"the claim {fault.claim} is missing or not acceptable"
        case BadSignatureError():
            return "the signature of the token does not match"
        case InvalidKeyIdError():
            return "the token was signed with an unknown key"
        case _:
            return "the token cannot be read"
