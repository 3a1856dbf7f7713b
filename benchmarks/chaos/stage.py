"""Everything that a campaign needs, as real processes on free ports: stores, neighbours, replicas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.replicas import Replica
from benchmarks.chaos.settings import environment, write_world
from tests.postgres import Postgres, free_port, running_postgres
from tests.redis_server import RedisServer, running_redis
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

THE_SERVER = ("-m", "app.cli", "serve")
BLIND = ("-m", "benchmarks.chaos.blind")


@dataclass(frozen=True)
class Stage:
    postgres: Postgres
    redis: RedisServer
    sandbox: RunningSandbox
    replicas: tuple[Replica, ...]

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(replica.url for replica in self.replicas)


@contextmanager
def set_stage(where: Path, *, quotes: int, seed: int, launcher: Sequence[str] = THE_SERVER) -> Iterator[Stage]:
    """All up and ready; gone with the block. `where` keeps the logs."""
    with ExitStack() as ends:
        postgres = ends.enter_context(running_postgres())
        redis = ends.enter_context(running_redis())
        sandbox = start_sandbox(where, "--quotes", str(quotes), "--seed", str(seed))
        ends.callback(stop_sandbox, sandbox)
        world = write_world(where)
        replicas = tuple(
            Replica(
                name,
                launcher,
                environment(sandbox, world, postgres.url, redis.url, (free_port(), free_port())),
                where / f"gateway-{name}.log",
            )
            for name in ("a", "b")
        )
        for replica in replicas:
            ends.callback(replica.end)
            replica.start()
        for replica in replicas:
            replica.await_ready()
        yield Stage(postgres, redis, sandbox, replicas)
