"""Children of the CLI: the sandbox and the gateway, started, awaited, logged and always stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

STOP_GRACE_S = 10.0
_TICK_S = 0.03


class ChildFailed(Exception):
    """A child ended, or was not ready in time. `log` is where it wrote why."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"the {name} {reason}; its log is {log}")
        self.log = log


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does; a second signal cannot cut the clean-up short."""

    def end(number: int, _frame: FrameType | None) -> None:
        for each in watched:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, end) for each in watched}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def child(arguments: list[str], *, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`ordergate <arguments>` as a process of its own, gone when the block ends, however it ends."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        sink = log.open("wb")
    except OSError as refused:
        raise ChildFailed(arguments[0], f"cannot log ({refused.strerror}): name another --logs", log) from None
    with sink:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and our own module
            [sys.executable, "-m", "app.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,  # Ctrl-C is ours to hand on, so that the gateway stops before its neighbours do
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, wait, then insist; by pid, and only what was started here."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def await_ready(
    name: str, process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool], timeout_s: float = 30
) -> None:
    """Return once `ready()` holds; fail with the end of the log if the child dies or takes too long."""
    give_up_at = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None:
            raise ChildFailed(name, f"ended with code {process.returncode}: {last_line(log)}", log)
        if time.monotonic() > give_up_at:
            raise ChildFailed(name, f"was not ready within {timeout_s:.0f} s: {last_line(log)}", log)
        time.sleep(_TICK_S)


def last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:400] if lines else "it wrote nothing"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def some_port(host: str = "127.0.0.1") -> int:
    """A port nobody uses now. Somebody may take it before we do; the child then ends and says so."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def preferred(port: int) -> int:
    """`port` if it is free, else some other that is."""
    return port if is_free(port) else some_port()


def clean_environment() -> dict[str, str]:
    """The caller's environment without its ORDERGATE_* settings: a demo starts from the shipped ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGATE_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
