"""Is a configured line still what it was configured as? Bundle, bill of material and routing against the ERP. Pure.

A revision counts on the day the order is made. What is out of date is an exception on its line and no order: nobody
would notice that something else is built than was sold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from process_apis.exceptions import Finding
from system_apis.salesforce.models import Configuration, QuoteLine
from system_apis.sap.goods import BillOfMaterial, Product, Routing
from system_apis.scheduler.models import PlannedLine

INVALID, BOM_OUTDATED, ROUTING_OUTDATED = "configuration-invalid", "bom-revision-outdated", "routing-outdated"


class Revisions(Struct, frozen=True):
    """What is in force of a material at a plant: the revisions by which it is sold as one, made of, and made."""

    bundle: frozenset[str] = frozenset()
    bom: frozenset[str] = frozenset()
    routing: frozenset[str] = frozenset()


def in_force(bills: Iterable[BillOfMaterial], routings: Iterable[Routing], day: date) -> Revisions:
    """The revisions that hold on `day`. A universal bill of material is both sold and made by."""
    valid = [bill for bill in bills if bill.active and bill.revision and bill.valid_from <= day <= bill.valid_until]
    return Revisions(
        bundle=frozenset(bill.revision for bill in valid if bill.usage in ("sales", "universal")),
        bom=frozenset(bill.revision for bill in valid if bill.usage in ("production", "universal")),
        routing=frozenset(
            one.revision
            for one in routings
            if one.released and one.revision and one.valid_from <= day <= one.valid_until
        ),
    )


def faults(line: QuoteLine, product: Product, revisions: Revisions, erp: str) -> tuple[Finding, ...]:
    """Everything that is not in order with the configuration of a line; nothing for what is sold off the shelf."""
    return tuple(
        Finding(code, detail, "erp", erp, blocking=True, line_id=line.line_id)
        for code, detail in _faults(line.material, line.configuration, product, revisions)
    )


def _faults(
    material: str, configured: Configuration | None, product: Product, revisions: Revisions
) -> Iterator[tuple[str, str]]:
    if not product.configurable:
        if configured is not None:
            yield INVALID, f"{material} is not sold configured, and the line names a configuration"
        return
    if configured is None:
        yield INVALID, f"{material} is sold configured, and the line names no configuration"
        return
    stated = (
        (INVALID, "bundle", configured.bundle_revision, revisions.bundle),
        (BOM_OUTDATED, "bill of material", configured.bom_revision, revisions.bom),
        (ROUTING_OUTDATED, "routing", configured.routing_revision, revisions.routing),
    )
    for code, what, named, current in stated:
        if named is None and current:
            yield INVALID, f"the line names no revision of the {what}; {_listed(current)} is in force"
        elif named is not None and named not in current:
            yield code, f"configured with {what} {named}; {_listed(current)} is in force"


def planned_otherwise(line: QuoteLine, planned: PlannedLine | None, scheduler: str) -> Finding | None:
    """The scheduler still plans, or plans already, by another routing than the line was configured with."""
    wanted = line.configuration.routing_revision if line.configuration else None
    told = planned.routing_revision if planned else None
    if wanted is None or told is None or told == wanted:
        return None
    detail = f"configured with routing {wanted}; the plan works with {told}"
    return Finding(ROUTING_OUTDATED, detail, "scheduler", scheduler, blocking=True, line_id=line.line_id)


def configurable(lines: Iterable[QuoteLine], products: Mapping[str, Product]) -> Iterator[QuoteLine]:
    """The lines whose revisions have to be asked for."""
    return (line for line in lines if line.material in products and products[line.material].configurable)


def _listed(revisions: Iterable[str]) -> str:
    return " or ".join(sorted(revisions)) or "none"
