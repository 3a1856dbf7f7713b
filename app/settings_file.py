"""The TOML file: issuers, systems, plants, clients and limits, with `${NAME}` and `${NAME:-default}` from the
environment and `${file:/path}` from a file of its own, as secret stores mount them. What it names must exist, and
nothing is named twice."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from app import plans
from app.world import ErpInstance, World
from system_apis.salesforce.logon import KeyUnusable, SignedLogon
from system_apis.sap.units import UnitRedefined, Units
from system_apis.tls import Tls, TlsUnusable, context

_REFERENCE = re.compile(r"\$\{(?:file:(?P<file>[^}]+)|(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^}]*))?)\}")
_LARGEST_SECRET = 64 * 1024


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
    """The value with its references filled in, and the names of variables noted."""
    if isinstance(value, dict):
        return {key: _filled(each, env, named, path, f"{at}.{key}".lstrip(".")) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, env, named, path, f"{at}[{n}]") for n, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match["file"]:
            return _content(path.parent / match["file"], f"{path}: {at}")
        named.add(match["name"])
        given = env.get(match["name"]) or match["default"]
        if given is None:
            raise SettingsError(f"{path}: {at} needs the variable {match['name']}, which is not set")
        return given

    return _REFERENCE.sub(fill, value)


def _content(file: Path, at: str) -> str:
    """What stands in a file (relative to the TOML file), without the line end that editors put at the end."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_SECRET + 1)
        text = content.decode()
    except OSError as unreadable:
        raise SettingsError(f"{at} needs the file {file}, which cannot be read: {unreadable.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{at} needs the file {file}, which is not UTF-8 text") from None
    if len(content) > _LARGEST_SECRET:
        raise SettingsError(f"{at} needs the file {file}, which is larger than {_LARGEST_SECRET} bytes")
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise SettingsError(f"{at} needs the file {file}, which is empty")
    return secret


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
    names = (f"{each.scheme} {each.id} {each.customer}".strip() for each in world.references.products)
    yield from _twice("product name", names)
    yield from _twice("CRM account", (each.id[:15] for each in world.references.customers))
    yield from _twice("substituted material", (each.material for each in world.references.substitutes))
    try:
        Units(world.references.units)
    except UnitRedefined as wrong:
        yield str(wrong)
    yield from _bad_urls(world)
    yield from _unusable_files(world)
    for plant in world.plants:
        if plant.erp not in erps:
            yield f"the plant {plant.plant} names the ERP {plant.erp}, which is not configured"
        if plant.scheduler is not None and plant.scheduler not in schedulers:
            yield f"the plant {plant.plant} names the scheduler {plant.scheduler}, which is not configured"
        if not _zone_exists(plant.time_zone):
            yield f"the plant {plant.plant} has the time zone {plant.time_zone}, which does not exist"
    for name in world.references.products:
        if (name.scheme == "customerPart") != bool(name.customer):
            yield f"the {name.scheme} {name.id}: a customerPart names its customer, and nothing else does"
    if world.default_plant not in plants:
        yield f"default_plant is {world.default_plant}, which is not configured"
    issuers = {each.issuer for each in world.issuers}
    for client in world.clients:
        if client.issuer and client.issuer not in issuers:
            yield f"the client {client.client_id} names the issuer {client.issuer}, which is not configured"
        for plant_name in client.plants:
            if plant_name != "*" and plant_name not in plants:
                yield f"the client {client.client_id} names the plant {plant_name}, which is not configured"
    yield from plans.faults(world)


def _bad_urls(world: World) -> Iterable[str]:
    for what, url in urls(world):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield f"{what} is {url!r}, not an http(s) URL"


def _unusable_files(world: World) -> Iterable[str]:
    """Told at the start, not by the first call: a certificate that is wrong now will not be right at night."""
    for erp in world.systems.erp:
        try:
            context(tls_of(erp))
        except TlsUnusable as wrong:
            yield f"the ERP {erp.instance}: {wrong}"
    for crm in world.systems.crm:
        if crm.ca_file is not None and not Path(crm.ca_file).is_file():
            yield f"ca_file of {crm.instance} is {crm.ca_file}, which is not there"
        if crm.username and crm.key_file:
            try:
                SignedLogon(crm.username, Path(crm.key_file)).private_key()
            except KeyUnusable as unusable:
                yield f"key_file of {crm.instance}: {unusable}"


def tls_of(erp: ErpInstance) -> Tls:
    """Whom this instance's connections trust and who they say we are."""

    def path(file: str | None) -> Path | None:
        return Path(file) if file else None

    return Tls(path(erp.ca_file), path(erp.certificate_file), path(erp.key_file), erp.key_password)


def urls(world: World) -> Iterable[tuple[str, str]]:
    """Every address of the file with the name of its setting."""
    for issuer in world.issuers:
        yield f"the issuer {issuer.issuer}", issuer.issuer
        if issuer.jwks_uri:
            yield f"jwks_uri of {issuer.issuer}", issuer.jwks_uri
        if issuer.introspection:
            yield f"introspection.url of {issuer.issuer}", issuer.introspection.url
    for each in world.systems.all():
        yield f"base_url of {each.instance}", each.base_url
    for erp in world.systems.erp:
        if erp.token_url:
            yield f"token_url of {erp.instance}", erp.token_url
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
