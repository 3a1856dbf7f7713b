from __future__ import annotations

import pytest
from sqlalchemy import Column, MetaData, String, Table, create_engine, insert, select

from policies.access import (
    require_customer,
    require_kind,
    require_plant,
    require_role,
    require_sales_organization,
    require_scope,
    require_version,
    rows_of,
    speaks_for,
)
from policies.clients import Client
from policies.errors import ClientKindRefused, NotVisible, PreconditionMissing, RoleMissing, ScopeMissing
from tests.calls import call_of

DEALER = Client(
    "north",
    "North",
    "partner",
    frozenset({"atp:read"}),
    customers=("17100001",),
    plants=("1710",),
    sales_organizations=("1710",),
)
CRM = Client("crm", "CRM", "crm", frozenset(), customers=("*",), plants=("*",), sales_organizations=("*",))
NOBODY = Client("nobody", "Nobody", "partner", frozenset())
OPERATOR = Client("ops", "Ops", "operator", frozenset({"ops:read"}), roles=frozenset({"operator"}))


def test_a_scope_is_held_or_named_in_the_refusal() -> None:
    require_scope(DEALER, "atp:read")
    with pytest.raises(ScopeMissing) as refused:
        require_scope(DEALER, "atp:rea")
    assert refused.value.scope == "atp:rea"


def test_a_kind_is_among_those_named_or_all_are_welcome() -> None:
    require_kind(DEALER, ())
    require_kind(OPERATOR, ("operator",))
    with pytest.raises(ClientKindRefused):
        require_kind(DEALER, ("operator",))


def test_one_of_the_roles_is_enough_and_none_is_not() -> None:
    require_role(NOBODY, ())
    require_role(OPERATOR, ("keyAdmin", "operator"))
    for client in (OPERATOR, DEALER):
        with pytest.raises(RoleMissing) as refused:
            require_role(client, ("keyAdmin",))
        assert refused.value.roles == ("keyAdmin",)


def test_a_dealer_speaks_for_its_customers_only() -> None:
    require_customer(DEALER, "17100001")
    require_customer(CRM, "17100002")
    for foreign in (DEALER, NOBODY):
        with pytest.raises(NotVisible) as refused:
            require_customer(foreign, "17100002", kind="quote", ident="Q-1002")
        assert (refused.value.kind, refused.value.ident) == ("quote", "Q-1002")
        assert "17100002" not in str(refused.value)


@pytest.mark.parametrize("written", ["17100001", "0017100001"])
@pytest.mark.parametrize("configured", ["17100001", "0017100001"])
def test_leading_zeros_of_a_customer_are_padding_on_both_sides(written: str, configured: str) -> None:
    client = Client("north", "North", "partner", frozenset(), customers=(configured,))
    assert speaks_for(client, written)
    assert not speaks_for(client, "1710000")
    assert not speaks_for(client, "")


def test_a_dealer_names_its_plants_and_sales_organisations_only() -> None:
    for require in (require_plant, require_sales_organization):
        require(DEALER, "1710")
        require(CRM, "1720")
        for client, foreign in ((DEALER, "1720"), (DEALER, "01710"), (NOBODY, "1710")):
            with pytest.raises(NotVisible):
                require(client, foreign)


@pytest.mark.parametrize(
    ("client", "seen"), [(DEALER, ["17100001"]), (CRM, ["17100001", "17100002", "9"]), (NOBODY, [])]
)
def test_a_list_holds_the_rows_of_the_clients_customers(client: Client, seen: list[str]) -> None:
    table = Table("t", MetaData(), Column("customer", String))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"customer": each} for each in ("17100001", "17100002", "9")])
        asked = select(table.c.customer).where(rows_of(client, table.c.customer)).order_by(table.c.customer)
        assert list(connection.scalars(asked)) == seen
    engine.dispose()


@pytest.mark.parametrize("headers", [{}, {"If-Match": ""}, {"If-Match": "  "}])
def test_a_change_without_the_version_it_is_based_on_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(PreconditionMissing):
        require_version(call_of(headers=headers))


def test_any_version_is_enough_for_the_policy() -> None:
    require_version(call_of(headers={"If-Match": '"7"'}))
