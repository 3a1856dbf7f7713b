"""What a known client may do and see. Who it is was settled before."""

from __future__ import annotations

from policies.call import Call
from policies.clients import Client
from policies.errors import ClientKindRefused, NotVisible, PreconditionMissing, ScopeMissing


def require_scope(client: Client, scope: str) -> None:
    """`client.scopes` are the effective ones: what the token grants and the registry allows."""
    if scope not in client.scopes:
        raise ScopeMissing(scope)


def require_kind(client: Client, kinds: tuple[str, ...]) -> None:
    """The internal door is for operators: a dealer whose scopes were set too wide stays outside."""
    if kinds and client.kind not in kinds:
        raise ClientKindRefused(client.kind, kinds)


def require_customer(client: Client, customer: str, *, kind: str = "customer", ident: str | None = None) -> None:
    """The client speaks for the sold-to party, or the object that belongs to it does not exist for the client.

    `kind` and `ident` name that object in the refusal, if it is not the customer itself (a quote, an order).
    """
    if not client.may_speak_for(customer):
        raise NotVisible(kind, customer if ident is None else ident)


def require_plant(client: Client, plant: str) -> None:
    if not client.may_name_plant(plant):
        raise NotVisible("plant", plant)


def require_version(call: Call) -> None:
    """If-Match is there. Whether it matches is for the process, which alone knows the current version."""
    if not call.headers.get("if-match", "").strip():
        raise PreconditionMissing("If-Match is needed")
