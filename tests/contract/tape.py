"""Answers of a neighbour played from a tape: payloads written after the vendors' published contracts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

TAPES = Path(__file__).parent / "tapes"
Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


def tape(name: str) -> bytes:
    return (TAPES / f"{name}.json").read_bytes()


def json_answer(name: str, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=tape(name), headers={"Content-Type": "application/json", **headers})


@dataclass
class Player:
    """Gives the answers in the order they were laid out, per method; keeps every request."""

    answers: list[tuple[str, Answer]]
    seen: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        for place, (method, answer) in enumerate(self.answers):
            if method == request.method:
                del self.answers[place]
                return answer(request) if callable(answer) else answer
        raise AssertionError(f"nobody expected {request.method} {request.url}")

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def asked(self, method: str) -> list[httpx.Request]:
        return [request for request in self.seen if request.method == method]
