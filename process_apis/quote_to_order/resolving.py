"""The first question to the ERP: how what the quote names is sold and made, and whether the goods may go where they are
to go. Nothing of it leaves a trace there."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from process_apis.exceptions import Finding, SourceMessage
from process_apis.landscape import Landscape
from process_apis.outages import step_deadline
from process_apis.quote_to_order import configuration, references
from process_apis.quote_to_order.configuration import Revisions
from process_apis.quote_to_order.job import Conversion
from process_apis.quote_to_order.references import PlantFacts, Resolved, Sought, Told
from process_apis.words import bare
from system_apis.errors import SystemRefused
from system_apis.salesforce.models import Quote, QuoteLine
from system_apis.sap.client import SapErp
from system_apis.sap.goods import SoldAs

Answer = TypeVar("Answer")


def quote_in_our_terms(quote: Quote, landscape: Landscape) -> Quote:
    """The quote with the ERP's material numbers: the CRM may know products by another name. A name that is in no map
    stays out of the line, which is then refused by its rule."""
    if landscape.crm_products == "erp":
        return quote
    scheme, maps = landscape.crm_products, landscape.references
    lines = (
        replace(line, material=maps.material(scheme, line.material, quote.customer) or "") if line.material else line
        for line in quote.lines
    )
    return replace(quote, lines=tuple(lines))


async def resolved(job: Conversion) -> Resolved:
    """References, units, configurations and the ship-to party, settled with the ERP of the quote's plants."""
    plants = {name: PlantFacts(plant.erp, plant.scheduler) for name, plant in job.landscape.plants.items()}
    quote = job.terms.quote
    sought = references.seek(quote, plants, job.landscape.default_plant)
    told = await _told(job, sought) if sought.plants else Told()
    return references.resolve(quote, sought, told, job.landscape.rounding, job.today_at)


async def _told(job: Conversion, sought: Sought) -> Told:
    erp, quote = job.landscape.erps[sought.erp], job.terms.quote
    lines = [line for line in quote.lines if line.line_id in sought.plants]
    area = job.landscape.sales_area
    answered = await _heard(erp.sold([line.material for line in lines], area, deadline=step_deadline()))
    known = {} if isinstance(answered, SourceMessage) else answered
    for one in known.values():
        if isinstance(one, SystemRefused) and not one.final:
            raise one  # it does not say that there is no such material
    sold = {name: one for name, one in known.items() if isinstance(one, SoldAs)}
    made = configuration.configurable(lines, {name: one.product for name, one in sold.items()})
    found = {line.line_id: await _revisions(job, erp, line, sought.plants[line.line_id]) for line in made}
    return Told(
        sold=sold,
        unknown={
            name: SourceMessage(one.code, one.message) for name, one in known.items() if isinstance(one, SystemRefused)
        },
        revisions={line_id: one for line_id, one in found.items() if isinstance(one, Revisions)},
        unread=_unread(lines, answered, {name: one for name, one in found.items() if isinstance(one, SourceMessage)}),
        ship_to=await _ship_to(job, erp),
    )


def _unread(
    lines: list[QuoteLine], answered: Mapping[str, object] | SourceMessage, refused: dict[str, SourceMessage]
) -> dict[str, SourceMessage]:
    """The configured lines of which nothing could be read. Without the materials themselves nobody knows which lines
    those are: the ones that say so count."""
    if isinstance(answered, SourceMessage):
        return {line.line_id: answered for line in lines if line.configuration is not None}
    return refused


async def _revisions(job: Conversion, erp: SapErp, line: QuoteLine, plant: str) -> Revisions | SourceMessage:
    made_of = await _heard(erp.bills_of_material(line.material, plant, deadline=step_deadline()))
    if isinstance(made_of, SourceMessage):
        return made_of
    made_by = await _heard(erp.routings(line.material, plant, deadline=step_deadline()))
    if isinstance(made_by, SourceMessage):
        return made_by
    return configuration.in_force(made_of, made_by, job.today_at(plant))


async def _ship_to(job: Conversion, erp: SapErp) -> Finding | None:
    """The goods go where the ERP lets the customer's goods go, and nowhere else."""
    quote = job.terms.quote
    if quote.ship_to is None or bare(quote.ship_to) == bare(quote.customer):
        return None
    heard = await _heard(erp.customer(quote.customer, job.landscape.sales_area, deadline=step_deadline()))
    if isinstance(heard, SourceMessage):
        detail, source = "the ERP does not tell where the customer's goods may go", heard
    elif bare(quote.ship_to) in map(bare, heard.ship_tos):
        return None
    else:
        detail, source = f"{quote.ship_to} is no ship-to party of the customer", None
    return Finding("ship-to-invalid", detail, "erp", erp.instance, blocking=True, source=source)


async def _heard(question: Awaitable[Answer]) -> Answer | SourceMessage:
    """The answer, or the ERP's no. Whatever may pass is for the step to try again."""
    try:
        return await question
    except SystemRefused as no:
        if not no.final:
            raise
        return SourceMessage(no.code, no.message)
