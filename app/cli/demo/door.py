"""How the story's people speak to the gateway: plain HTTP, each call told with its status and time."""

from __future__ import annotations

import time
from typing import Any

import httpx

from app.cli.demo.narrate import Narrator

CALL_TIMEOUT_S = 40.0


class Door:
    """The external door of the gateway. Nothing of the gateway's code is used: a portal could not do so either."""

    def __init__(self, url: str, narrator: Narrator) -> None:
        self._http = httpx.Client(base_url=url, timeout=CALL_TIMEOUT_S, trust_env=False)
        self._narrator = narrator

    def call(
        self, method: str, path: str, *, token: str, body: Any = None, quiet: bool = False, **headers: str
    ) -> httpx.Response:
        """One call; `idempotency_key="…"` becomes the header `Idempotency-Key`, and so on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.monotonic()
        answer = self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}", **named})
        if not quiet:
            self._narrator.called(method, path, answer.status_code, (time.monotonic() - began) * 1000)
        return answer

    def close(self) -> None:
        self._http.close()
