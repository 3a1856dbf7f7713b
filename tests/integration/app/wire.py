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


def answers_in(said: str) -> list[httpx.Response]:
    """The answers on a connection, one after the other, as their own lengths part them."""
    found = []
    while said:
        head, _, said = said.partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        headers = {name: value for name, _, value in (each.partition(": ") for each in fields)}
        length = int(headers["content-length"])
        found.append(httpx.Response(int(status.split()[1]), headers=headers, content=said[:length].encode()))
        said = said[length:]
    return found
