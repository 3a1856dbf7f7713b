"""An OAuth 2.0 issuer: client credentials in, RFC 9068 access tokens out, its public keys on /jwks."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc9068.token import JWTBearerTokenGenerator
from joserfc.jwk import KeySet, RSAKey

from system_apis.sandbox.asgi import App, Receive, Scope, Send, header, read_body, reply
from system_apis.sandbox.introspection import Introspection

AUDIENCE = "https://ordergate.example/api"
TOKEN_LIFETIME_S = 3600
_DEALER = "atp:read orders:read orders:write"
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_CHALLENGE = {"www-authenticate": 'Basic realm="ordergate sandbox"'}  # authlib's own leaves out the realm
_REFUSED = 401


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # authlib ships no types
    """A registered client, and the audience it asks for in the request at hand."""

    client_id: str
    secret: str
    scope: str
    audience: str = AUDIENCE

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All of its scopes when it asks for none; nothing (invalid_scope) when it asks for one too many."""
        if not scope:
            return self.scope
        return scope if set(scope.split()) <= set(self.scope.split()) else None

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return bool(method in _Grant.TOKEN_ENDPOINT_AUTH_METHODS)

    def check_grant_type(self, grant_type: str) -> bool:
        return bool(grant_type == _Grant.GRANT_TYPE)


CLIENTS = {
    client.client_id: client
    for client in (
        Client("crm", "crm-sandbox-secret", _DEALER),
        Client("dealer-north", "north-sandbox-secret", _DEALER),
        Client("dealer-south", "south-sandbox-secret", _DEALER),
        Client("viewer", "viewer-sandbox-secret", "atp:read"),
        Client("trickle", "trickle-sandbox-secret", "atp:read"),
        Client("operator", "operator-sandbox-secret", "ops:read ops:write"),
        Client("key-admin", "key-admin-sandbox-secret", "ops:read ops:keys"),
        Client("auditor", "auditor-sandbox-secret", "ops:read ops:audit"),
    )
}


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def create_token_response(self) -> Any:
        asked = self.request.payload.data
        self.client.audience = asked.get("resource") or asked.get("audience") or AUDIENCE
        return super().create_token_response()


class _Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    def __init__(self, issuer: str, keys: KeySet) -> None:
        super().__init__(issuer, alg="RS256", expires_generator=TOKEN_LIFETIME_S)
        self._keys = keys

    def get_jwks(self) -> KeySet:
        return self._keys

    def get_audiences(self, client: Client, _user: object, _scope: str) -> str:
        return client.audience


class _Request(OAuth2Request):  # type: ignore[misc]
    @property
    def form(self) -> dict[str, str]:
        return cast(dict[str, str], self.payload.data)


class _Server(AuthorizationServer):  # type: ignore[misc]
    """authlib's framework-neutral server: a request is (method, headers, form), a response (status, body)."""

    def __init__(self, issuer: str, keys: KeySet) -> None:
        super().__init__()
        self.register_grant(_Grant)
        self.register_token_generator("default", _Tokens(issuer, keys))

    def query_client(self, client_id: str) -> Client | None:
        known = CLIENTS.get(client_id)
        return replace(known) if known else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing to keep: whoever holds the key set can verify the token."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: tuple[str, dict[str, str], dict[str, str]]) -> OAuth2Request:
        method, headers, form = request
        # authlib insists on https; the sandbox is plain HTTP on purpose, so the address it is told is one of form only.
        made = _Request(method, "https://issuer.invalid/token", headers=headers)
        made.payload = BasicOAuth2Payload(form)
        return made

    def handle_response(self, status: int, body: Any, _headers: list[tuple[str, str]]) -> tuple[int, Any]:
        return status, dict(body)


class Issuer:
    """`url` is the issuer identifier. The key is made at the start, unless a file holds the one of last time."""

    def __init__(self, url: str, key_file: Path | None = None) -> None:
        self.url = url
        keys = KeySet([_key(key_file)])
        self.jwks = keys.as_dict(private=False)
        self.introspection = Introspection(url, keys)
        self._server = _Server(url, keys)

    def metadata(self) -> dict[str, Any]:
        """RFC 8414."""
        return {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "introspection_endpoint": f"{self.url}/introspect",
            "revocation_endpoint": f"{self.url}/revoke",
            "grant_types_supported": [_Grant.GRANT_TYPE],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": _Grant.TOKEN_ENDPOINT_AUTH_METHODS,
            "scopes_supported": sorted({scope for client in CLIENTS.values() for scope in client.scope.split()}),
        }

    def token(self, content_type: str, authorization: str | None, body: bytes) -> tuple[int, Any]:
        """RFC 6749 §4.4, errors by §5.2."""
        try:
            form = _form(content_type, body)
            headers = {"Authorization": authorization} if authorization else {}
            answer = self._server.create_token_response(("POST", headers, form))
        except OAuth2Error as wrong:
            answer = self._server.handle_error_response(None, wrong)
        except UnicodeDecodeError:  # authlib decodes the Basic credentials without a net
            garbled = InvalidClientError("The Basic credentials are not UTF-8.", status_code=401)
            answer = self._server.handle_error_response(None, garbled)
        return cast(tuple[int, Any], answer)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The request body is not form-encoded.")
    try:
        pairs = parse_qsl(body.decode())
    except UnicodeDecodeError as wrong:
        raise InvalidRequestError("The request body is not UTF-8.") from wrong
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequestError("A parameter is given twice.")
    if "grant_type" not in form:
        raise InvalidRequestError("The parameter grant_type is missing.")
    return form


def _key(key_file: Path | None) -> RSAKey:
    if key_file is not None and key_file.exists():
        return RSAKey.import_key(key_file.read_bytes(), {"use": "sig", "alg": "RS256", "kid": "sandbox-kept"})
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": f"sandbox-{secrets.token_hex(4)}"})
    if key_file is not None:
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.as_pem(private=True))
        return _key(key_file)
    return key


def app(issuer: Issuer) -> App:
    documents: dict[str, Any] = {
        "/.well-known/oauth-authorization-server": issuer.metadata(),
        "/.well-known/openid-configuration": issuer.metadata(),
        "/jwks": issuer.jwks,
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if path == "/token" and method == "POST":
            body = await read_body(receive)
            status, made = issuer.token(header(scope, "content-type") or "", header(scope, "authorization"), body)
            await reply(
                send, status, msgspec.json.encode(made), headers=_NO_STORE | (_CHALLENGE if status == _REFUSED else {})
            )
        elif path in ("/introspect", "/revoke") and method == "POST":
            body, asking = await read_body(receive), header(scope, "authorization")
            told = issuer.introspection
            status, made = told.answer(asking, body) if path == "/introspect" else told.revoke(body)
            await reply(send, status, msgspec.json.encode(made), headers=_NO_STORE)
        elif path in documents and method == "GET":
            await reply(send, 200, msgspec.json.encode(documents[path]))
        elif path in documents or path in ("/token", "/introspect", "/revoke"):
            await reply(send, 405, b'{"error":"method_not_allowed"}')
        else:
            await reply(send, 404, b'{"error":"not_found"}')

    return answer
