"""Bytes on a socket, for what no client library would send."""

from __future__ import annotations

import asyncio

import httpx


async def said_to(address: str, call: bytes) -> str:
    """Everything the server answers until it closes the connection."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(call)
        return (await asyncio.wait_for(reader.read(), 10)).decode()
    finally:
        writer.close()
        await writer.wait_closed()
