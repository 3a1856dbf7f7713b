"""Settings: the environment (`ORDERGATE_*`) says how this process runs, one TOML file what the world looks like.

A value that cannot be right stops the start with one sentence that names it. Nothing is guessed.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from app.settings_file import SettingsError, load_world
from app.settings_refusals import refuse_what_belongs_to_the_sandbox
from app.world import World
from policies.origin import Network, networks

__all__ = ["Settings", "SettingsError", "load"]

Environment = Literal["sandbox", "production"]
Role = Literal["all", "api", "worker"]

SANDBOX_FILE = Path(__file__).parent / "config" / "sandbox.toml"
SANDBOX_TOKEN_KEY = "ordergate-sandbox-token-key-known-to-everybody"  # noqa: S105  known on purpose, refused elsewhere
SANDBOX_KEY_PEPPER = "ordergate-sandbox-key-pepper-known-to-everybody"
SANDBOX_DATABASE = "sqlite+aiosqlite:///var/ordergate.db"
SHORTEST_SECRET = 32
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
HIGHEST_PORT = 65535
EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104  recognised here, bound nowhere

NAMES = {
    "ORDERGATE_ENV": "sandbox or production (the default)",
    "ORDERGATE_CONFIG": "path of the TOML file (ORDERGATE_ENV=sandbox brings one)",
    "ORDERGATE_HOST": "address of the external door, 127.0.0.1",
    "ORDERGATE_PORT": "port of the external door, 8080",
    "ORDERGATE_INTERNAL_HOST": "address of the internal door, 127.0.0.1",
    "ORDERGATE_INTERNAL_PORT": "port of the internal door, 8081",
    "ORDERGATE_PUBLIC_URL": "how callers reach the external door, http://<host>:<port>",
    "ORDERGATE_DATABASE_URL": "sqlite+aiosqlite:///<file> or postgresql+psycopg://<server>",
    "ORDERGATE_TOKEN_KEYS": "keys of seals, comma separated, 32 bytes or more each; the first signs, all verify",
    "ORDERGATE_KEY_PEPPERS": "peppers of API keys, comma separated, 32 bytes or more each; none, no API keys are taken",
    "ORDERGATE_REDIS_URL": "redis://, rediss:// or unix://: where replicas count limits together; none, each alone",
    "ORDERGATE_REDIS_DEADLINE_MS": "how long a call waits for Redis before it goes on without, 30",
    "ORDERGATE_REPLICAS": "how many processes answer calls, 1; alone, each lets through its share of a limit",
    "ORDERGATE_TRUSTED_PROXIES": "addresses and networks whose X-Forwarded-For is believed, comma separated; none",
    "ORDERGATE_LOG_LEVEL": "DEBUG, INFO (the default), WARNING or ERROR",
    "ORDERGATE_OTLP_ENDPOINT": "OTLP/HTTP collector for traces; none, no spans",
    "ORDERGATE_TRACE_RATIO": "share of calls that are traced, 0.01",
    "ORDERGATE_ROLE": "all (the default), api or worker",
    "ORDERGATE_BEGINS_OPERATIONS": "on (the default) or off: only go on with operations that were begun (an upgrade)",
    "ORDERGATE_STEPS_AT_ONCE": "steps of operations that this process does at the same time, 32; more wait their turn",
    "ORDERGATE_DRIFT_CHECK": "on (the default) or off: compare the systems with what is used of them",
    "ORDERGATE_DRAIN_S": "seconds that calls in flight get at shutdown, 20",
    "ORDERGATE_SHUTDOWN_DELAY_S": "seconds between failing readiness and refusing connections, 0 in the sandbox, 3",
}
"""Every variable there is. Those of a TOML file's own `${...}` come on top."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs, and the `world` its TOML file describes. Its repr shows nothing secret."""

    environment: Environment
    role: Role
    host: str
    port: int
    internal_host: str
    internal_port: int
    public_url: str
    database_url: str = field(repr=False)
    token_keys: tuple[str, ...] = field(repr=False)
    key_peppers: tuple[str, ...] = field(repr=False)
    redis_url: str | None = field(repr=False)
    redis_deadline_ms: float
    replicas: int
    trusted_proxies: tuple[Network, ...]
    log_level: str
    otlp_endpoint: str | None
    trace_ratio: float
    begins_operations: bool
    steps_at_once: int
    drift_check: bool
    drain_s: float
    shutdown_delay_s: float
    config: Path
    world: World = field(repr=False)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, or SettingsError with one sentence."""
    env = os.environ if environ is None else environ
    environment = _choice(env, "ORDERGATE_ENV", "production", get_args(Environment))
    sandbox = environment == "sandbox"
    config = Path(_text(env, "ORDERGATE_CONFIG", str(SANDBOX_FILE) if sandbox else None))
    world, named_in_file = load_world(config, env)
    host, port = _text(env, "ORDERGATE_HOST", "127.0.0.1"), _port(env, "ORDERGATE_PORT", "8080")
    settings = Settings(
        environment=environment,  # type: ignore[arg-type]  # _choice returns one of the literal's own words
        role=_choice(env, "ORDERGATE_ROLE", "all", get_args(Role)),  # type: ignore[arg-type]  # likewise
        host=host,
        port=port,
        internal_host=_text(env, "ORDERGATE_INTERNAL_HOST", "127.0.0.1"),
        internal_port=_port(env, "ORDERGATE_INTERNAL_PORT", "8081"),
        public_url=_url(env, "ORDERGATE_PUBLIC_URL", f"http://{host}:{port}"),
        database_url=_database_url(_text(env, "ORDERGATE_DATABASE_URL", SANDBOX_DATABASE if sandbox else None)),
        token_keys=_secrets(env, "ORDERGATE_TOKEN_KEYS", SANDBOX_TOKEN_KEY if sandbox else None),
        key_peppers=_secrets(env, "ORDERGATE_KEY_PEPPERS", SANDBOX_KEY_PEPPER if sandbox else ""),
        redis_url=_redis_url(_text(env, "ORDERGATE_REDIS_URL", "")),
        redis_deadline_ms=_number(env, "ORDERGATE_REDIS_DEADLINE_MS", "30", least=1, most=10_000),
        replicas=_whole(env, "ORDERGATE_REPLICAS", "1", least=1, most=1000),
        trusted_proxies=_networks(_text(env, "ORDERGATE_TRUSTED_PROXIES", "")),
        log_level=_choice(env, "ORDERGATE_LOG_LEVEL", "INFO", LOG_LEVELS),
        otlp_endpoint=_url(env, "ORDERGATE_OTLP_ENDPOINT", "") or None,
        trace_ratio=_number(env, "ORDERGATE_TRACE_RATIO", "0.01", most=1),
        begins_operations=_choice(env, "ORDERGATE_BEGINS_OPERATIONS", "on", ("on", "off")) == "on",
        steps_at_once=int(_number(env, "ORDERGATE_STEPS_AT_ONCE", "32", least=1, most=1000)),
        drift_check=_choice(env, "ORDERGATE_DRIFT_CHECK", "on", ("on", "off")) == "on",
        drain_s=_number(env, "ORDERGATE_DRAIN_S", "20", most=600),
        shutdown_delay_s=_number(env, "ORDERGATE_SHUTDOWN_DELAY_S", "0" if sandbox else "3", most=60),
        config=config,
        world=world,
    )
    _refuse_one_door(settings)
    if not sandbox:
        ours = {
            "ORDERGATE_TOKEN_KEYS": (settings.token_keys, SANDBOX_TOKEN_KEY),
            "ORDERGATE_KEY_PEPPERS": (settings.key_peppers, SANDBOX_KEY_PEPPER),
        }
        refuse_what_belongs_to_the_sandbox(config, world, ours)
    _refuse_unknown(env, named_in_file)
    return settings


def _text(env: Mapping[str, str], name: str, default: str | None) -> str:
    value = env.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise SettingsError(f"{name} is not set: {NAMES[name]}")
    return default


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = _text(env, name, default)
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}, not one of {', '.join(choices)}")
    return value


def _number(env: Mapping[str, str], name: str, default: str, *, most: float, least: float = 0) -> float:
    value = _text(env, name, default)
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not least <= number <= most:
        raise SettingsError(f"{name} is {value!r}, not a number from {least:g} to {most:g}")
    return number


def _whole(env: Mapping[str, str], name: str, default: str, *, most: int, least: int) -> int:
    number = _number(env, name, default, most=most, least=least)
    if number != int(number):
        raise SettingsError(f"{name} is {_text(env, name, default)!r}, not a whole number")
    return int(number)


def _port(env: Mapping[str, str], name: str, default: str) -> int:
    value = _text(env, name, default)
    if not (value.isascii() and value.isdigit() and int(value) <= HIGHEST_PORT):
        raise SettingsError(f"{name} is {value!r}, not a port from 0 to {HIGHEST_PORT}")
    return int(value)


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    value = _text(env, name, default).rstrip("/")
    if value and not value.startswith(("http://", "https://")):
        raise SettingsError(f"{name} is {value!r}, not an http(s) URL")
    return value


def _redis_url(value: str) -> str | None:
    """Its text may hold a password: a refusal does not repeat it."""
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("ORDERGATE_REDIS_URL does not begin with redis://, rediss:// or unix://")
    return value or None


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return networks(value)
    except ValueError as wrong:
        raise SettingsError(f"ORDERGATE_TRUSTED_PROXIES: {wrong}") from None


def _database_url(value: str) -> str:
    """SQLite in a file or PostgreSQL; short forms gain their driver. A store that forgets is refused everywhere."""
    scheme, found, rest = value.partition("://")
    forms = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
    scheme = forms.get(scheme, scheme)
    if not found or scheme not in forms.values():
        raise SettingsError("ORDERGATE_DATABASE_URL is neither sqlite+aiosqlite:///<file> nor postgresql+psycopg://…")
    if scheme.startswith("sqlite") and (not rest.strip("/") or ":memory:" in rest or "mode=memory" in rest):
        raise SettingsError("ORDERGATE_DATABASE_URL names no file: operations would be lost with the process")
    return f"{scheme}://{rest}"


def _secrets(env: Mapping[str, str], name: str, default: str | None) -> tuple[str, ...]:
    """Our own secrets, the newest first; none where the default is empty."""
    value = _text(env, name, default)
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    if (value and not keys) or any(len(key.encode()) < SHORTEST_SECRET for key in keys):
        raise SettingsError(f"{name} holds a key of less than {SHORTEST_SECRET} bytes")
    return keys


def _refuse_one_door(settings: Settings) -> None:
    hosts = {settings.host, settings.internal_host}
    overlapping = len(hosts) == 1 or hosts & EVERY_ADDRESS
    if settings.role != "worker" and settings.port == settings.internal_port != 0 and overlapping:
        raise SettingsError(f"ORDERGATE_INTERNAL_PORT is {settings.port}, which is the external door's: name another")


def _refuse_unknown(env: Mapping[str, str], named_in_file: frozenset[str]) -> None:
    for name in sorted(env):
        if name.startswith("ORDERGATE_CLI_"):  # of a person at the command line; app/cli/internal_door.py reads them
            continue
        if name.startswith("ORDERGATE_") and name not in NAMES and name not in named_in_file:
            close = difflib.get_close_matches(name, NAMES, n=1)
            raise SettingsError(f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else ""))
