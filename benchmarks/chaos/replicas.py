"""A replica of the gateway as a process: started, killed, frozen, thawed, and started again on the same doors."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.cli.processes import clean_environment, stop

_READY_S = 60.0
_TICK_S = 0.05


class ReplicaFailed(Exception):
    """A replica that does not come up; its text is the end of its log."""


@dataclass
class Replica:
    """`launcher` are the words behind `python`; `log` grows over all lives of the replica."""

    name: str
    launcher: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    deaths: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['ORDERGATE_PORT']}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['ORDERGATE_INTERNAL_PORT']}"

    def start(self) -> None:
        """Begin to start; `await_ready` says when it answers."""
        if self.process is not None and self.process.poll() is None:
            return
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(  # noqa: S603  our own interpreter and our own modules
                [sys.executable, *self.launcher],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**clean_environment(), **self.environment},
                start_new_session=True,
            )

    def await_ready(self) -> None:
        ends = time.monotonic() + _READY_S
        while not self._alive():
            if time.monotonic() > ends or self.process is None or self.process.poll() is not None:
                lines = self.log.read_text(errors="replace").strip().splitlines()[-5:]
                raise ReplicaFailed(f"replica {self.name} does not come up:\n" + "\n".join(lines))
            time.sleep(_TICK_S)

    def kill(self) -> None:
        """SIGKILL: no farewell, no last write."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.deaths += 1

    def freeze(self) -> None:
        """SIGSTOP: alive for the kernel, its sockets open, and silent."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        if self.process is not None:
            self.thaw()
            stop(self.process)

    @property
    def ended_by_itself(self) -> bool:
        return self.process is not None and self.process.poll() not in (None, -signal.SIGKILL)

    def _signal(self, which: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(which)

    def _alive(self) -> bool:
        try:
            return httpx.get(f"{self.internal_url}/livez", timeout=1, trust_env=False).is_success
        except httpx.TransportError:
            return False
