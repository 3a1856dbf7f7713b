"""A process that is there for days carries nothing about that its settings do not ask for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOADED = """
import asyncio, sys
from app import server, settings
from app.database import make_engine, migrate
from app.main import create_app
from app.telemetry import tracing

more = dict(one.split("=", 1) for one in sys.argv[2:])
chosen = settings.load({"ORDERGATE_ENV": "sandbox", "ORDERGATE_DATABASE_URL": sys.argv[1], **more})
with tracing(chosen) as tracer:
    create_app(chosen, tracer=tracer)

async def started():
    engine = make_engine(sys.argv[1])
    await migrate(engine)
    await engine.dispose()

asyncio.run(started())
print(*sorted({"alembic", "redis", "google.protobuf"} & set(sys.modules)))
"""


def loaded(database: str, *more: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, database, *more], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("more", "brings"),
    [
        ((), []),
        (("ORDERGATE_REDIS_URL=redis://127.0.0.1:9/0",), ["redis"]),
        (("ORDERGATE_OTLP_ENDPOINT=http://127.0.0.1:9", "ORDERGATE_TRACE_RATIO=0"), ["google.protobuf"]),
    ],
    ids=["alone", "with Redis", "with a collector"],
)
def test_what_is_not_asked_for_is_not_loaded(tmp_path: Path, more: tuple[str, ...], brings: list[str]) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/ordergate.db"
    assert loaded(database) == ["alembic"], "who makes the tables needs it"
    assert loaded(database, *more) == brings
