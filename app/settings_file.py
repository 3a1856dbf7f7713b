"""The TOML file: issuers, systems, plants, clients and limits, with `${NAME}` and `${NAME:-default}` from the
environment. What it names must exist, and nothing is named twice."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from app.world import World
from policies.rate_limit import read_limit

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")


class SettingsError(Exception):
    """A setting that cannot be right. Its text is one line and names the setting."""


def load_world(path: Path, env: Mapping[str, str]) -> tuple[World, frozenset[str]]:
    """The world of a file, and the variables it names."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as unreadable:
        raise SettingsError(f"ORDERGATE_CONFIG: {path} cannot be read: {unreadable.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as malformed:
        raise SettingsError(f"{path}: {malformed}") from None
    named: set[str] = set()
    filled = _filled(raw, env, named, path, "")
    try:
        world = msgspec.convert(filled, World)
    except msgspec.ValidationError as wrong:
        raise SettingsError(f"{path}: {str(wrong).replace('`', '')}") from None
    for fault in _faults(world):
        raise SettingsError(f"{path}: {fault}")
    return world, frozenset(named)


def _filled(value: Any, env: Mapping[str, str], named: set[str], path: Path, at: str) -> Any:
    """The value with its variables filled in, and their names noted."""
    if isinstance(value, dict):
        return {key: _filled(each, env, named, path, f"{at}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, env, named, path, f"{at}[{n}]") for n, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        named.add(match[1])
        given = env.get(match[1]) or match[2]
        if given is None:
            raise SettingsError(f"{path}: {at} needs the variable {match[1]}, which is not set")
        return given

    return _VARIABLE.sub(fill, value)


def _faults(world: World) -> Iterable[str]:
    """Everything that is well-formed and cannot be right."""
    erps = {each.instance for each in world.systems.erp}
    schedulers = {each.instance for each in world.systems.scheduler}
    plants = {each.plant for each in world.plants}
    instances = [each.instance for each in world.systems.all()]
    yield from _twice("system instance", instances)
    yield from _twice("plant", (each.plant for each in world.plants))
    yield from _twice("client", (each.client_id for each in world.clients))
    yield from _twice("issuer", (each.issuer for each in world.issuers))
    yield from _bad_urls(world)
    for plant in world.plants:
        if plant.erp not in erps:
            yield f"the plant {plant.plant} names the ERP {plant.erp}, which is not configured"
        if plant.scheduler is not None and plant.scheduler not in schedulers:
            yield f"the plant {plant.plant} names the scheduler {plant.scheduler}, which is not configured"
        if not _zone_exists(plant.time_zone):
            yield f"the plant {plant.plant} has the time zone {plant.time_zone}, which does not exist"
    if world.default_plant not in plants:
        yield f"default_plant is {world.default_plant}, which is not configured"
    issuers = {each.issuer for each in world.issuers}
    for client in world.clients:
        if client.issuer and client.issuer not in issuers:
            yield f"the client {client.client_id} names the issuer {client.issuer}, which is not configured"
        for plant_name in client.plants:
            if plant_name != "*" and plant_name not in plants:
                yield f"the client {client.client_id} names the plant {plant_name}, which is not configured"
        if not _rate_is_readable(client.limit):
            yield f"the client {client.client_id} has the limit {client.limit!r}, which is not like '600 per 1 minute'"
    if not _rate_is_readable(world.limits.failed_logins):
        yield f"limits.failed_logins is {world.limits.failed_logins!r}, which is not like '600 per 1 minute'"


def _bad_urls(world: World) -> Iterable[str]:
    for what, url in urls(world):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield f"{what} is {url!r}, not an http(s) URL"


def urls(world: World) -> Iterable[tuple[str, str]]:
    """Every address of the file with the name of its setting."""
    for issuer in world.issuers:
        yield f"the issuer {issuer.issuer}", issuer.issuer
        yield f"jwks_uri of {issuer.issuer}", issuer.jwks_uri
    for each in world.systems.all():
        yield f"base_url of {each.instance}", each.base_url
    for crm in world.systems.crm:
        if crm.token_url:
            yield f"token_url of {crm.instance}", crm.token_url


def _twice(what: str, names: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"the {what} {name} is there twice"
        seen.add(name)


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _rate_is_readable(notation: str) -> bool:
    try:
        read_limit(notation)
    except ValueError:
        return False
    return True
