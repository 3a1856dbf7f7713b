"""One listening socket per system, in one event loop; a door can be shut for real and opened again on the same port."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from email.utils import formatdate
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from system_apis.sandbox.asgi import App, Scope

_TRANSPORT = "sandbox.transport"
_KEEP_ALIVE_S = 75  # longer than clients keep theirs: only faults break connections here
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with the transport in the application's reach: a fault must be able to cut the wire."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast(Scope, self.scope)["extensions"] = {_TRANSPORT: self.transport}
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]


def cut(scope: Scope) -> None:
    """Aborts the connection a request came on: a reset, or under TLS an end without a farewell; never a clean one."""
    _abort(scope["extensions"][_TRANSPORT])


def hang_up(scope: Scope) -> None:
    """Ends the connection politely once what was written is out, however much was promised."""
    scope["extensions"][_TRANSPORT].close()


def _abort(transport: asyncio.Transport) -> None:
    # Without lingering zero the kernel would end an idle connection politely with FIN.
    raw = transport.get_extra_info("socket")
    if raw is not None and not transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


class Door:
    """A system's front door. Port 0 takes a free port once and keeps it for every later opening."""

    def __init__(self, app: App, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port = host, port
        self._tls = tls
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._config = Config(
            cast(Any, app), http=_Protocol, ws="none", lifespan="off", interface="asgi3", log_config=None
        )
        self._config.access_log, self._config.proxy_headers = False, False
        self._config.timeout_keep_alive = _KEEP_ALIVE_S
        self._config.load()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def open(self) -> None:
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._greet, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """From here on connections are refused; those that were open are reset. Work already begun runs on."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._state.connections):
            _abort(connection.transport)
        await server.wait_closed()

    def _greet(self) -> asyncio.Protocol:
        return _Protocol(self._config, self._state, {})
