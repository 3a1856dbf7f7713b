"""Cross-origin calls of browsers (Fetch standard, CORS protocol): refused by silence, unless an origin is configured.

Callers bring tokens and never cookies, so credentials are not part of it, and no origin is trusted with a wildcard.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from app.shell.asgi import Asgi, Message, Receive, Scope, Send, answer, header

MAY_SEND = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "traceparent",
    "x-api-key",
    "x-correlation-id",
    "x-request-timeout-ms",
)
MAY_READ = (
    "deprecation",
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "preference-applied",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "sunset",
    "www-authenticate",
    "x-correlation-id",
    "x-request-id",
)
REMEMBERED_S = 600


class Cors:
    """Answers preflights of the origins named, and lets them read what they are answered."""

    def __init__(self, app: Asgi, origins: Collection[str], methods: Callable[[str], tuple[str, ...]]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = header(scope, b"origin")
        wanted = header(scope, b"access-control-request-method")
        known = self._methods(scope["path"]) if origin in self._origins else ()
        if scope["method"] == "OPTIONS" and wanted in known:
            await answer(send, 204, self._preflight(origin, known), b"")
            return
        await self._app(scope, receive, self._readable(send, origin))

    @staticmethod
    def _preflight(origin: str, known: tuple[str, ...]) -> dict[str, str]:
        return {
            "allow": ", ".join(known),
            "access-control-allow-origin": origin,
            "access-control-allow-methods": ", ".join(method for method in known if method != "OPTIONS"),
            "access-control-allow-headers": ", ".join(MAY_SEND),
            "access-control-max-age": str(REMEMBERED_S),
            "vary": "origin, access-control-request-method, access-control-request-headers",
        }

    def _readable(self, send: Send, origin: str) -> Send:
        """Caches must not hand an answer made for one origin to another, so `Vary` is there in any case."""
        allowed = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", ", ".join(MAY_READ).encode()),
        ]

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = allowed if origin in self._origins else []
                message["headers"] = [*_varying(message.get("headers", ())), *more]
            await send(message)

        return told


def _varying(headers: Collection[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    varied = b", ".join([value for name, value in headers if name == b"vary"] + [b"origin"])
    return [*(each for each in headers if each[0] != b"vary"), (b"vary", varied)]
