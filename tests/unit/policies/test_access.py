from __future__ import annotations

import pytest

from policies.access import require_customer, require_plant, require_scope, require_version
from policies.clients import Client
from policies.errors import NotVisible, PreconditionMissing, ScopeMissing
from tests.calls import call_of

DEALER = Client("north", "North", "partner", frozenset({"atp:read"}), customers=("17100001",), plants=("1710",))
CRM = Client("crm", "CRM", "crm", frozenset(), customers=("*",), plants=("*",))
NOBODY = Client("nobody", "Nobody", "partner", frozenset())


def test_a_scope_is_held_or_named_in_the_refusal() -> None:
    require_scope(DEALER, "atp:read")
    with pytest.raises(ScopeMissing) as refused:
        require_scope(DEALER, "atp:rea")
    assert refused.value.scope == "atp:rea"


def test_a_dealer_speaks_for_its_customers_only() -> None:
    require_customer(DEALER, "17100001")
    require_customer(CRM, "17100002")
    for foreign in (DEALER, NOBODY):
        with pytest.raises(NotVisible) as refused:
            require_customer(foreign, "17100002", kind="quote", ident="Q-1002")
        assert (refused.value.kind, refused.value.ident) == ("quote", "Q-1002")
        assert "17100002" not in str(refused.value)


def test_a_dealer_names_its_plants_only() -> None:
    require_plant(DEALER, "1710")
    require_plant(CRM, "1720")
    with pytest.raises(NotVisible):
        require_plant(DEALER, "1720")


@pytest.mark.parametrize("headers", [{}, {"If-Match": ""}, {"If-Match": "  "}])
def test_a_change_without_the_version_it_is_based_on_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(PreconditionMissing):
        require_version(call_of(headers=headers))


def test_any_version_is_enough_for_the_policy() -> None:
    require_version(call_of(headers={"If-Match": '"7"'}))
