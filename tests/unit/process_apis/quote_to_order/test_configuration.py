"""Bundle, bill of material and routing: what is in force today, and what a line was configured with."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from process_apis.exceptions import KINDS, SourceMessage
from process_apis.quote_to_order.configuration import Revisions, faults, in_force
from process_apis.quote_to_order.references import Told
from process_apis.quote_to_order.rules import judge
from system_apis.salesforce.models import Configuration, QuoteLine
from system_apis.sap.goods import BillOfMaterial, Product, Routing, SoldAs
from tests.unit.process_apis.quote_to_order.facts import TODAY, answered, line, planned, resolved, simulation, terms

KMAT = Product("FG300", "C62", (), "", configurable=True, deleted=False)
SHELF = Product("TG11", "C62", (), "", configurable=False, deleted=False)
NOW = Revisions(frozenset({"B1"}), frozenset({"C3"}), frozenset({"R4"}))
CURRENT = Configuration("CFG", "B1", "C3", "R4")


def configured(configuration: Configuration | None, **more: Any) -> QuoteLine:
    return line(material="FG300", configuration=configuration, **more)


def codes(configuration: Configuration | None, revisions: Revisions = NOW, product: Product = KMAT) -> list[str]:
    return [one.code for one in faults(configured(configuration), product, revisions, "s4-1710")]


def bill(usage: Any, revision: str, since: int, until: int, *, active: bool = True) -> BillOfMaterial:
    return BillOfMaterial(usage, revision, active, TODAY + timedelta(days=since), TODAY + timedelta(days=until))


def test_in_force_is_what_is_active_and_valid_on_the_day() -> None:
    bills = [
        bill("production", "C2", -100, -1),
        bill("production", "C3", 0, 100),
        bill("production", "C4", 1, 100),
        bill("production", "C5", -1, 1, active=False),
        bill("production", "", -1, 1),
        bill("sales", "B1", -100, 0),
        bill("universal", "U1", -1, 1),
        bill("other", "O1", -1, 1),
    ]
    routings = [
        Routing("R4", True, TODAY, date.max),
        Routing("R5", False, TODAY, date.max),
        Routing("R3", True, date.min, TODAY - timedelta(days=1)),
    ]
    found = in_force(bills, routings, TODAY)
    assert found == Revisions(frozenset({"B1", "U1"}), frozenset({"C3", "U1"}), frozenset({"R4"}))


def test_a_line_that_names_what_is_in_force_is_in_order() -> None:
    assert codes(CURRENT) == []


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (Configuration("CFG", "B0", "C3", "R4"), ["configuration-invalid"]),
        (Configuration("CFG", "B1", "C2", "R4"), ["bom-revision-outdated"]),
        (Configuration("CFG", "B1", "C3", "R3"), ["routing-outdated"]),
        (Configuration("CFG", "B1", "C2", "R3"), ["bom-revision-outdated", "routing-outdated"]),
        (Configuration("CFG", "B1", None, "R4"), ["configuration-invalid"]),
        (None, ["configuration-invalid"]),
    ],
)
def test_whatever_is_stale_or_left_out_is_named(configuration: Configuration | None, expected: list[str]) -> None:
    assert codes(configuration) == expected
    assert all(code in KINDS for code in expected)


def test_a_product_without_a_bundle_needs_none() -> None:
    assert codes(Configuration("CFG", None, "C3", "R4"), Revisions(frozenset(), NOW.bom, NOW.routing)) == []


def test_a_revision_of_what_is_no_longer_there_is_out_of_date() -> None:
    assert codes(CURRENT, Revisions(NOW.bundle, frozenset(), NOW.routing)) == ["bom-revision-outdated"]


def test_what_is_sold_off_the_shelf_has_no_configuration() -> None:
    assert codes(None, product=SHELF) == []
    assert codes(CURRENT, product=SHELF) == ["configuration-invalid"]


def test_a_stale_line_is_not_even_simulated_and_counts_as_rejected() -> None:
    agreed = terms(configured(Configuration("CFG", "B1", "C2", "R4")), line("b"), acceptance={"mode": "validLines"})
    told = Told(sold={"FG300": SoldAs(KMAT, "C62", Decimal(0), 0)}, revisions={"a": NOW})
    found = resolved(agreed, told)
    assert [demand.line_id for demand in found.demands] == ["b"]
    verdict = judge(agreed, found, simulation(answered(line("b"), (10, 0))), {})
    assert (verdict.decision, verdict.ordered) == ("go", frozenset({"b"}))
    assert [(one.code, one.line_id) for one in verdict.findings] == [("bom-revision-outdated", "a")]


def test_what_cannot_be_read_is_not_taken_on_trust() -> None:
    agreed = terms(configured(CURRENT))
    told = Told(sold={"FG300": SoldAs(KMAT, "C62", Decimal(0), 0)}, unread={"a": SourceMessage("403", "no")})
    (found,) = resolved(agreed, told).findings
    assert (found.code, found.source) == ("configuration-invalid", SourceMessage("403", "no"))


def test_a_plan_by_another_routing_rejects_the_line_and_one_that_does_not_say_does_not() -> None:
    agreed = terms(configured(CURRENT))
    told = Told(sold={"FG300": SoldAs(KMAT, "C62", Decimal(0), 0)}, revisions={"a": NOW})
    asked = simulation(answered(configured(CURRENT)))
    by_another = judge(agreed, resolved(agreed, told), asked, planned("a", (10, 0), routing="R3"))
    (found,) = by_another.findings
    assert (by_another.decision, found.code, found.system) == ("reject", "routing-outdated", "scheduler")
    for same in ("R4", None):
        verdict = judge(agreed, resolved(agreed, told), asked, planned("a", (10, 0), routing=same))
        assert (verdict.decision, verdict.findings) == ("go", ())
