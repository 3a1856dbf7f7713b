"""What a known client may do and see. Who it is was settled before.

The one place that decides whose a customer, a plant or a sales organisation is: the stack asks for scope, kind and
role, a process for whatever else the call names or the neighbours told, and a list takes only the rows that `rows_of`
lets through. What is foreign is refused as if it did not exist.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, true

from policies.call import Call
from policies.clients import Client, Role
from policies.errors import ClientKindRefused, NotVisible, PreconditionMissing, RoleMissing, ScopeMissing

EVERY = "*"


def require_scope(client: Client, scope: str, presented: str = "token") -> None:
    """`client.scopes` are the effective ones: what the credential grants and the registry allows."""
    if scope not in client.scopes:
        raise ScopeMissing(scope, presented)


def require_kind(client: Client, kinds: tuple[str, ...]) -> None:
    """The internal door is for operators: a dealer whose scopes were set too wide stays outside."""
    if kinds and client.kind not in kinds:
        raise ClientKindRefused(client.kind, kinds)


def require_role(client: Client, roles: tuple[Role, ...]) -> None:
    """Within the internal door: who runs operations does not hand out keys, and who hands them out does not audit."""
    if roles and client.roles.isdisjoint(roles):
        raise RoleMissing(roles)


def require_customer(client: Client, customer: str, *, kind: str = "customer", ident: str | None = None) -> None:
    """The client speaks for the sold-to party, or the object that belongs to it does not exist for the client.

    `kind` and `ident` name that object in the refusal, if it is not the customer itself (a quote, an order).
    """
    if not speaks_for(client, customer):
        raise NotVisible(kind, customer if ident is None else ident)


def require_plant(client: Client, plant: str) -> None:
    """The client may name the plant in what it asks."""
    if not names_plant(client, plant):
        raise NotVisible("plant", plant)


def names_plant(client: Client, plant: str) -> bool:
    """Where a process looks for other plants by itself."""
    return EVERY in client.plants or plant in client.plants


def require_sales_organization(client: Client, sales_organization: str) -> None:
    """The client may name the sales organisation in what it asks."""
    if EVERY not in client.sales_organizations and sales_organization not in client.sales_organizations:
        raise NotVisible("sales organization", sales_organization)


def speaks_for(client: Client, customer: str) -> bool:
    """Where a process has to go on all the same, so that a foreign id costs as much as a known one."""
    return EVERY in client.customers or _bare(customer) in map(_bare, client.customers)


def rows_of(client: Client, customer: ColumnElement[str]) -> ColumnElement[bool]:
    """The rows of a list that the client may see, by the column that holds the sold-to party."""
    if EVERY in client.customers:
        return true()
    return customer.in_([form for one in client.customers for form in (one, _bare(one))])


def require_version(call: Call) -> None:
    """If-Match is there. Whether it matches is for the process, which alone knows the current version."""
    if not call.headers.get("if-match", "").strip():
        raise PreconditionMissing("If-Match is needed")


def _bare(customer: str) -> str:
    """Without the zeros that an ERP pads a customer's number with: they are no part of whom it means."""
    return customer.lstrip("0") or customer if customer.isdigit() else customer
