"""Who owns what, and that a write of anything else does not pass."""

from __future__ import annotations

import pytest

from system_apis.errand import Errand
from system_apis.errors import OwnerViolation
from system_apis.ownership import OWNERS, REST, Owner, Words, guard, owner_of
from system_apis.salesforce import owners as salesforce
from system_apis.sap import owners as sap
from system_apis.scheduler import owners as scheduler

ERRAND = Errand("sap", "s4-1710", "change an order", writes=True)
WORDS = {"T_ORDER": Words("order", {"NET": "price", "PO": "customerPo", "REF": "reference"}), "T_X": Words("x", {})}


@pytest.mark.parametrize(
    ("thing", "field", "owner"),
    [
        ("customer", "name", "crm"),
        ("quote", "state", "crm"),
        ("quote", "conversionState", "ordergate"),
        ("order", "price", "erp"),
        ("orderItem", "confirmedDate", "erp"),
        ("order", "reference", "ordergate"),
        ("stock", "quantity", "erp"),
        ("capacity", "anything", "scheduler"),
        ("commitment", "date", "scheduler"),
        ("operation", "state", "ordergate"),
    ],
)
def test_everything_has_one_owner(thing: str, field: str, owner: Owner) -> None:
    found = owner_of(thing, field)
    assert found is not None
    assert found.owner == owner


def test_every_named_object_has_an_owner_for_the_rest_of_it() -> None:
    assert [thing for thing, fields in OWNERS.items() if REST not in fields] == []
    assert owner_of("spaceship", "thrust") is None


def test_what_is_ours_and_what_may_be_asked_for_passes() -> None:
    guard(ERRAND, WORDS, "T_ORDER", ["PO", "REF"])


@pytest.mark.parametrize(
    ("entity", "field", "text"),
    [
        ("T_ORDER", "NET", "T_ORDER.NET belongs to the erp"),
        ("T_ORDER", "NEW", "nobody is named as the owner of T_ORDER.NEW"),
        ("T_NEW", "PO", "nobody is named as the owner of T_NEW.PO"),
        ("T_X", "PO", "nobody is named as the owner of T_X.PO"),
    ],
)
def test_what_is_anothers_does_not(entity: str, field: str, text: str) -> None:
    with pytest.raises(OwnerViolation) as met:
        guard(ERRAND, WORDS, entity, ["PO", field] if entity == "T_ORDER" else [field])
    assert (met.value.code, met.value.message) == ("owner-violation", text)
    assert (met.value.system, met.value.instance, met.value.operation) == ("sap", "s4-1710", "change an order")
    assert not met.value.safe_to_repeat


def test_an_owner_writes_its_own_and_another_does_not() -> None:
    guard(ERRAND, WORDS, "T_ORDER", ["NET"], writer="erp")
    with pytest.raises(OwnerViolation, match="belongs to the ordergate"):
        guard(ERRAND, WORDS, "T_ORDER", ["REF"], writer="crm")
    guard(ERRAND, WORDS, "T_ORDER", ["PO"], writer="crm")


@pytest.mark.parametrize("words", [sap.WORDS, salesforce.WORDS, scheduler.WORDS])
def test_every_word_of_a_system_has_an_owner(words: dict[str, Words]) -> None:
    for entity, known in words.items():
        for name, ours in known.fields.items():
            assert owner_of(known.thing, ours) is not None, f"{entity}.{name}"
