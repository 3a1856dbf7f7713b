"""The internal door as commands reach it: who calls, what is asked, and what a person reads when the answer is no.

Commands never open the database: what they may do is what an operator's token allows, and the audit names its client.
"""

from __future__ import annotations

import functools
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8081"
CALL_TIMEOUT_S = 30.0
REFUSED, NOT_POSSIBLE = 1, 2
SANDBOX_CLIENTS = {
    "operator": ("operator", "operator-sandbox-secret"),
    "keyAdmin": ("key-admin", "key-admin-sandbox-secret"),
    "auditor": ("auditor", "auditor-sandbox-secret"),
}
SANDBOX_ISSUER = "http://127.0.0.1:9410"
HOW_TO_COME_IN = (
    "set ORDERGATE_CLI_TOKEN, or ORDERGATE_CLI_TOKEN_URL, ORDERGATE_CLI_CLIENT_ID and ORDERGATE_CLI_CLIENT_SECRET "
    "of a client of the kind `operator`"
)
_HINTS = {
    "credentials-missing": HOW_TO_COME_IN,
    "token-invalid": f"take a fresh token: {HOW_TO_COME_IN}",
    "client-kind-refused": "the internal door is for clients of the kind `operator`",
    "version-stale": "somebody was faster: look at it again, and decide on what you see then",
    "idempotency-key-in-flight": "the same wish is at work already: look at it in a moment",
    "store-unavailable": "the store does not answer: try again in a while",
    "issuer-unavailable": "the issuer's keys cannot be read now: try again in a while",
}


class DoorRefused(Exception):
    """Ends a command with what went wrong, and in a second line what to do about it."""

    def __init__(self, message: str, hint: str = "", exit_code: int = NOT_POSSIBLE, code: str = "") -> None:
        super().__init__(f"{message}\n  → {hint}" if hint else message)
        self.exit_code = exit_code
        self.code = code


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the door is, and how a caller is known there."""

    url: str
    token: str | None
    token_url: str | None
    client_id: str | None
    client_secret: str | None

    def access_token(self) -> str:
        """The token that was given, or a fresh one by client credentials (RFC 6749 §4.4)."""
        import httpx  # noqa: PLC0415  not to be loaded for --help

        if self.token:
            return self.token
        if not (self.token_url and self.client_id and self.client_secret):
            raise DoorRefused("who is calling?", HOW_TO_COME_IN)
        try:
            answer = httpx.post(
                self.token_url,
                data={"grant_type": "client_credentials"},
                auth=(self.client_id, self.client_secret),
                timeout=CALL_TIMEOUT_S,
                trust_env=False,
            )
        except httpx.TransportError as trouble:
            raise DoorRefused(f"the issuer at {self.token_url} does not answer: {trouble}") from None
        if not answer.is_success:
            said = f"the issuer at {self.token_url} gives {self.client_id} no token (HTTP {answer.status_code})"
            raise DoorRefused(said, "check the client id and ORDERGATE_CLI_CLIENT_SECRET")
        return str(answer.json()["access_token"])


class InternalDoor:
    """Calls at the internal door. Whatever is refused ends the command with a sentence."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What is there. A query of None is left out; `older_than_seconds` becomes `olderThanSeconds`."""
        return self._call("GET", path, params=_given(query))

    def post(self, path: str, body: Any, *, if_match: str | None = None) -> dict[str, Any]:
        """Do something once: each call of a command is a wish of its own."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        if if_match:
            headers["If-Match"] = if_match
        return self._call("POST", path, json=body, headers=headers)

    def pages(self, path: str, member: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The entries of a list, page after page, at most `limit` of them. If there are more, that is said aside: who
        audits or looks for what is stuck must not take a part for the whole."""
        cursor, left = None, limit
        while left > 0:
            page = self.get(path, limit=min(left, 100), cursor=cursor, **query)
            yield from page[member]
            left -= len(page[member])
            cursor = page["next"]
            if cursor is None:
                return
        click.echo(f"there are more: these are the first {limit}", err=True)

    @property
    def url(self) -> str:
        return self._url

    @contextmanager
    def beside(self, url: str) -> Iterator[InternalDoor]:
        """The internal door of another process, entered with the same token."""
        import httpx  # noqa: PLC0415  not to be loaded for --help

        with httpx.Client(base_url=url, headers=self._http.headers, timeout=CALL_TIMEOUT_S, trust_env=False) as http:
            yield InternalDoor(http, url)

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        import httpx  # noqa: PLC0415  not to be loaded for --help

        try:
            answer = self._http.request(method, path, **more)
        except httpx.ConnectError:
            hint = "is the gateway up? --url or ORDERGATE_CLI_URL names its internal door"
            raise DoorRefused(f"nobody answers at {self._url}", hint) from None
        except httpx.TransportError as trouble:
            hint = "whether it happened is not known: look before you try again" if method == "POST" else ""
            raise DoorRefused(f"no answer from {self._url}: {trouble or type(trouble).__name__}", hint) from None
        if answer.is_success:
            return dict(answer.json())
        raise _refusal(answer)


def at_the_internal_door(command: Callable[..., None], *, role: str = "operator") -> Callable[..., None]:
    """A command that gets an InternalDoor as `door`, with the options that say where it is and who comes.

    `role` is the one it needs: beside a sandbox the client that has it is known.
    """

    @click.option("--url", envvar="ORDERGATE_CLI_URL", default=DEFAULT_URL, show_default=True, show_envvar=True,
                  help="The internal door of the gateway.")  # fmt: skip
    @click.option("--token", envvar="ORDERGATE_CLI_TOKEN", show_envvar=True, metavar="TOKEN",
                  help="An access token; left out, one is fetched by client credentials.")  # fmt: skip
    @click.option("--token-url", envvar="ORDERGATE_CLI_TOKEN_URL", show_envvar=True, metavar="URL",
                  help="Where tokens are fetched.")  # fmt: skip
    @click.option("--client-id", envvar="ORDERGATE_CLI_CLIENT_ID", show_envvar=True, metavar="NAME",
                  help="The client they are for; its secret is read from ORDERGATE_CLI_CLIENT_SECRET.")  # fmt: skip
    @functools.wraps(command)
    def entering(url: str, token: str | None, token_url: str | None, client_id: str | None, **options: Any) -> None:
        try:
            with entered(_entrance(url, token, token_url, client_id, os.environ, role=role)) as door:
                command(door=door, **options)
        except DoorRefused as refused:
            click.echo(str(refused), err=True)
            sys.exit(refused.exit_code)

    return entering


@contextmanager
def entered(entrance: Entrance) -> Iterator[InternalDoor]:
    """The door, open for as long as the block lasts."""
    import httpx  # noqa: PLC0415  not to be loaded for --help

    if not entrance.url.startswith(("http://", "https://")):
        raise DoorRefused(f"{entrance.url} is not an http(s) URL")
    headers = {"Authorization": f"Bearer {entrance.access_token()}", "Accept": "application/json"}
    with httpx.Client(base_url=entrance.url, headers=headers, timeout=CALL_TIMEOUT_S, trust_env=False) as http:
        yield InternalDoor(http, entrance.url)


def _entrance(
    url: str,
    token: str | None,
    token_url: str | None,
    client_id: str | None,
    env: Mapping[str, str],
    *,
    role: str = "operator",
) -> Entrance:
    """Beside a sandbox everybody knows the operators: there nothing has to be said."""
    secret = env.get("ORDERGATE_CLI_CLIENT_SECRET") or None
    if env.get("ORDERGATE_ENV") == "sandbox" and not (token or secret):
        token_url = token_url or f"{env.get('ORDERGATE_SANDBOX_ISSUER') or SANDBOX_ISSUER}/token"
        client_id, secret = SANDBOX_CLIENTS[role]
    return Entrance(url.rstrip("/"), token or None, token_url or None, client_id or None, secret)


def _refusal(answer: httpx.Response) -> DoorRefused:
    try:
        problem = dict(answer.json())
    except ValueError:
        return DoorRefused(f"HTTP {answer.status_code} from {answer.url}", "is this the internal door of a gateway?")
    told = [f"{problem.get('title', 'refused')}: {problem.get('detail', '')}"]
    told += [f"  {fault['pointer']}: {fault['detail']}" for fault in problem.get("errors") or ()]
    hint = _HINTS.get(problem.get("code", ""), "")
    if problem.get("code") == "scope-missing":
        hint = f"the token needs the scope {problem.get('scope')}"
    return DoorRefused("\n".join(told), hint, REFUSED, problem.get("code", ""))


def _given(query: Mapping[str, Any]) -> dict[str, str]:
    return {_camel(name): _text(value) for name, value in query.items() if value not in (None, False)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
