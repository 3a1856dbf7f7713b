"""Reading an answer to its end, but never more of it than was agreed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import cast

import httpx

DEFAULT_MAX_BYTES = 8 * 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_ENCODING_HEADERS = {"content-encoding", "content-length", "transfer-encoding"}


class AnswerTooLarge(Exception):
    """The answer is larger than agreed, packed or unpacked, or packed in a way that was not asked for."""


async def whole(answer: httpx.Response, request: httpx.Request, most_bytes: int) -> httpx.Response:
    """The answer with its body read and unpacked; the connection is given back whatever happens.

    The stream is read below httpx's own decoders, because those unpack a chunk whole, however large it grows.
    """
    try:
        packed = bytearray()
        async for chunk in cast("AsyncIterator[bytes]", answer.stream):
            packed += chunk
            if len(packed) > most_bytes:
                raise AnswerTooLarge(f"an answer of more than {most_bytes} bytes")
    finally:
        await answer.aclose()
    body = _unpacked(bytes(packed), answer.headers.get("content-encoding", "identity"), most_bytes)
    headers = [(name, value) for name, value in answer.headers.raw if name.lower().decode() not in _ENCODING_HEADERS]
    return httpx.Response(answer.status_code, headers=headers, content=body, request=request)


def _unpacked(packed: bytes, encoding: str, most_bytes: int) -> bytes:
    if encoding.strip().lower() in ("", "identity") or not packed:
        return packed
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerTooLarge(f"the content encoding {encoding[:40]!r} was not asked for")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = unpacker.decompress(packed, most_bytes)
    except zlib.error as broken:
        raise httpx.RemoteProtocolError("the packed body is damaged") from broken
    if unpacker.unconsumed_tail:
        raise AnswerTooLarge(f"an answer of more than {most_bytes} bytes once unpacked")
    if not unpacker.eof:
        raise httpx.RemoteProtocolError("the packed body is cut short")
    return body
