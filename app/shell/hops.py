"""Where a call comes from: behind proxies that we trust, the address they heard, and not their own."""

from __future__ import annotations

from collections.abc import Sequence

from app.shell.asgi import Asgi, Receive, Scope, Send
from policies.origin import Network, address_behind

FORWARDED_FOR = b"x-forwarded-for"


class Hops:
    """Puts the caller's address in the scope, for the limits and for the log. Nothing else of what a proxy says is
    believed. The port is not the caller's, and is 0 then."""

    def __init__(self, app: Asgi, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client"):
            peer = scope["client"][0]
            said = [str(value, "latin-1") for name, value in scope["headers"] if name == FORWARDED_FOR]
            behind = address_behind(peer, said, self._trusted) if said else peer
            if behind != peer:
                scope["client"] = (behind, 0)
        await self._app(scope, receive, send)
