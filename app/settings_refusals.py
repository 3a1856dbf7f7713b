"""What must never leave the sandbox: its file, its addresses, its secrets. Everybody can read them in our sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from app.settings_file import SettingsError, urls
from app.world import World

SANDBOX_PORTS = frozenset({9410, 9411, 9412, 9413, 9414, 9443})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  recognised here, bound nowhere
KNOWN_SECRETS = frozenset({"Welcome1", "scheduler-sandbox-key"})
KNOWN_SECRET_ENDING = "-sandbox-secret"  # noqa: S105  how the sandbox's own secrets end


def refuse_what_belongs_to_the_sandbox(
    config: Path, world: World, our_secrets: Mapping[str, tuple[tuple[str, ...], str]]
) -> None:
    """Raise SettingsError for the first thing of the sandbox that a process outside of it would use.

    `our_secrets` are the values of each variable that holds some, with the one that the sandbox would put there.
    """
    if world.environment == "sandbox":
        raise SettingsError(f"{config} describes the sandbox, and ORDERGATE_ENV is not sandbox")
    for what, url in urls(world):
        parts = urlsplit(url)
        if parts.hostname in LOOPBACK and parts.port in SANDBOX_PORTS:
            raise SettingsError(
                f"{config}: {what} is {url}, an address of the sandbox, and ORDERGATE_ENV is not sandbox"
            )
    for what, secret in _secrets(world):
        if secret in KNOWN_SECRETS or secret.endswith(KNOWN_SECRET_ENDING):
            raise SettingsError(f"{config}: {what} is the sandbox's, which everybody knows")
    for name, (values, of_sandbox) in our_secrets.items():
        if of_sandbox in values:
            raise SettingsError(f"{name} holds the sandbox's key, which everybody knows")


def _secrets(world: World) -> Iterable[tuple[str, str]]:
    for issuer in world.issuers:
        if issuer.introspection:
            yield f"introspection.client_secret of {issuer.issuer}", issuer.introspection.client_secret
    for erp in world.systems.erp:
        yield f"the password of {erp.instance}", erp.password or ""
        yield f"the client_secret of {erp.instance}", erp.client_secret or ""
    for crm in world.systems.crm:
        yield f"the client_secret of {crm.instance}", crm.client_secret or ""
    for scheduler in world.systems.scheduler:
        yield f"the api_key of {scheduler.instance}", scheduler.api_key
