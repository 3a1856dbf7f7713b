"""One line per call, and one observation: who asked what, how it ended, how long it took."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.shell.asgi import Asgi, Message, Receive, Scope, Send
from app.shell.trace import trail_of

log = logging.getLogger("ordergate.access")

Observe = Callable[[str, str, int, float, str], None]
"""Told method, route (template), status, seconds and client (if it got that far) of each call."""

QUIET = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: counted, logged only if they fail."""
FAILED = 500
NOT_ANSWERED = 499


class AccessLog:
    def __init__(self, app: Asgi, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, sent = NOT_ANSWERED, 0

        async def counting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counting)
        finally:
            seconds = time.perf_counter() - started
            trail = trail_of(scope)
            route = trail.route or "unknown"
            self._observe(scope["method"], route, status, seconds, trail.client_id)
            if route not in QUIET or status >= FAILED:
                self._write(scope, status, sent, seconds)

    def _write(self, scope: Scope, status: int, sent: int, seconds: float) -> None:
        trail = trail_of(scope)
        log.info(
            "call",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "route": trail.route,
                "status": status,
                "duration_ms": round(seconds * 1000, 1),
                "bytes": sent,
                "client_id": trail.client_id,
                "address": (scope.get("client") or ("",))[0],
                "request_id": trail.request_id,
            },
        )
