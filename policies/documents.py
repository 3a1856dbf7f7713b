"""Small documents from an issuer: bounded, uncompressed, without redirects, whatever the other side does."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

LARGEST = 512 * 1024


class DocumentUnreadable(Exception):
    """The issuer answered with something that is not the document asked for. `status` is that of HTTP."""

    def __init__(self, what: str, status: int = httpx.codes.OK) -> None:
        super().__init__(what)
        self.status = status


async def fetch(
    http: httpx.AsyncClient, url: str, *, headers: Mapping[str, str] | None = None, form: bytes | None = None
) -> bytes:
    """The body of a 200. With `form` it is posted. Raises DocumentUnreadable, or httpx's own errors."""
    # uncompressed, please: a small answer must not unfold into a large one
    asked = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
    method = "GET" if form is None else "POST"
    async with http.stream(method, url, headers=asked, content=form, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise DocumentUnreadable(f"{url} answered {answer.status_code}", answer.status_code)
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise DocumentUnreadable(f"{url} answered compressed, which it was asked not to")
        document = bytearray()
        async for chunk in answer.aiter_bytes():
            document += chunk
            if len(document) > LARGEST:
                raise DocumentUnreadable(f"{url} answered with more than 512 KiB")
        return bytes(document)
