"""Reading an answer to its end, but never more of it than was agreed."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator
from typing import cast

import httpx
import msgspec

DEFAULT_MAX_BYTES = 8 * 1024 * 1024
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_SKIM = msgspec.json.Decoder(msgspec.Raw)
_BEGINS_JSON = re.compile(rb"[ \t\r\n]*[{\[]")
_ENCODING_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


class AnswerUnfit(Exception):
    """The answer is larger or deeper than can be read, or packed in a way that was not asked for."""


async def whole(answer: httpx.Response, request: httpx.Request, most_bytes: int) -> httpx.Response:
    """The answer with its body read and unpacked; the connection is given back whatever happens.

    The stream is read below httpx's own decoders, because those unpack a chunk whole, however large it grows.
    """
    try:
        packed = bytearray()
        async for chunk in cast("AsyncIterator[bytes]", answer.stream):
            packed += chunk
            if len(packed) > most_bytes:
                raise AnswerUnfit(f"an answer of more than {most_bytes} bytes")
    finally:
        await answer.aclose()
    headers, encoding = [], b""
    for name, value in answer.headers.raw:
        if (known := name.lower()) not in _ENCODING_HEADERS:
            headers.append((name, value))
        elif known == b"content-encoding":
            encoding += value
    body = _unpacked(bytes(packed), encoding.decode("latin-1"), most_bytes)
    _mind_the_depth(body)
    return httpx.Response(answer.status_code, headers=headers, content=body, request=request)


def _unpacked(packed: bytes, encoding: str, most_bytes: int) -> bytes:
    if encoding.strip().lower() in ("", "identity") or not packed:
        return packed
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerUnfit("a content encoding that was not asked for")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = unpacker.decompress(packed, most_bytes)
    except zlib.error as broken:
        raise httpx.RemoteProtocolError("the packed body is damaged") from broken
    if unpacker.unconsumed_tail:
        raise AnswerUnfit(f"an answer of more than {most_bytes} bytes once unpacked")
    if not unpacker.eof:
        raise httpx.RemoteProtocolError("the packed body is cut short")
    if unpacker.unused_data:
        raise httpx.RemoteProtocolError("the packed body is followed by another")
    return body


def _mind_the_depth(body: bytes) -> None:
    """JSON nested so deep that reading it would exhaust the stack; who decodes it later stands no lower than we here.

    Skimming costs a quarter of a microsecond per kilobyte. What is no JSON is none of our business here.
    """
    if not _BEGINS_JSON.match(body):
        return
    try:
        _SKIM.decode(body)
    except RecursionError:
        raise AnswerUnfit("an answer nested too deep to be read") from None
    except msgspec.DecodeError:
        return
