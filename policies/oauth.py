"""Whether an access token (RFC 9068) is genuine: checked against the keys of its issuer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from policies.errors import IssuerUnavailable, TokenInvalid
from policies.introspection import Introspection
from policies.issuer_keys import IssuerKeys
from policies.tokens import SIGNATURES, TokenClaims, UnambiguousJson, peek, read_claims
from policies.verified import Verified, VerifiedTokens

LEEWAY_S = 30
_DOTS = (2, 4)
"""Of a signed and of an encrypted JWT; what has another number of them is opaque."""


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
    """The configured issuers, and the audience that is us. Opaque tokens are asked about where that is possible."""

    def __init__(
        self,
        issuers: Iterable[IssuerKeys],
        audience: str,
        *,
        introspections: Iterable[Introspection] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {keys.issuer: keys for keys in issuers}
        self._introspections = tuple(introspections)
        self._audience = audience
        self._now = now
        self._verified = VerifiedTokens()

    async def verify(self, token: str) -> Verified:
        """What a genuine token says. Which client that is, and what it may, the registry knows."""
        if self._introspections and token.count(".") not in _DOTS:
            return await self._introspect(token)
        verified = self._verified.find(token, self._now())
        # a key withdrawn by its issuer ends the tokens it signed: the key set is looked at even for a known token
        if verified is None or (await self._issuers[verified.issuer].current()).revision != verified.revision:
            verified = await self._verify(token)
            self._verified.keep(token, verified)
        return verified

    def knows(self, token: str) -> bool:
        """Whether the token was verified a moment ago: to look at it again costs no signature check."""
        known = self._verified.find(token, self._now()) is not None
        return known or any(each.knows(token) for each in self._introspections)

    async def aclose(self) -> None:
        for keys in self._issuers.values():
            await keys.aclose()
        for endpoint in self._introspections:
            await endpoint.aclose()

    async def _introspect(self, token: str) -> Verified:
        """The issuer that knows the token says what it means: all are asked side by side, so that a silent one delays
        only what no other knows. Of that nobody can say that it is unknown."""
        for each in self._introspections:
            if each.knows(token):
                return await each.verify(token)
        silent: IssuerUnavailable | None = None
        questions = [asyncio.create_task(each.verify(token)) for each in self._introspections]
        try:
            for answered in asyncio.as_completed(questions):
                try:
                    return await answered
                except IssuerUnavailable as trouble:
                    silent = trouble
                except TokenInvalid:
                    continue
        finally:
            await _dropped(questions)
        raise silent or TokenInvalid("the token is not active")

    async def _verify(self, token: str) -> Verified:
        header, issuer = peek(token)
        if issuer not in self._issuers:
            raise TokenInvalid("the token comes from an issuer that is not accepted")
        keys = await self._issuers[issuer].knowing(header.kid)
        claims = AccessTokens(issuer, self._audience, keys.key_set, self._now).read(token)
        scopes = frozenset(claims.scope.split())
        return Verified(issuer, claims.client_id, claims.jti, scopes, claims.exp, keys.revision)


async def _dropped(questions: list[asyncio.Task[Verified]]) -> None:
    """Nobody waits for them any more; what was asked of an issuer goes on and is kept."""
    for question in questions:
        question.cancel()
    await asyncio.gather(*questions, return_exceptions=True)


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
