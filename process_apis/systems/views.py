"""From what a system told us to what operators read of it."""

from __future__ import annotations

from process_apis.exceptions import SourceMessage
from process_apis.systems import models
from process_apis.systems.models import Origin
from process_apis.words import Money, Quantity, tidy
from system_apis.salesforce.models import Quote
from system_apis.sap.goods import Availability, Stock
from system_apis.sap.models import Confirmation, Order, OrderItem
from system_apis.scheduler.models import Commitments


def erp_order(order: Order, source: Origin) -> models.ErpOrder:
    return models.ErpOrder(
        source=source,
        number=order.number,
        version=order.etag,
        reference=order.reference or None,
        customer_po=order.customer_po or None,
        sold_to=order.sold_to,
        requested_date=order.requested_date,
        net_amount=Money(tidy(order.net_amount), order.currency),
        credit=order.credit,
        delivery_block=order.delivery_block or None,
        billing_block=order.billing_block or None,
        delivery_status=order.delivery_status,
        changed_at=order.changed_at,
        items=tuple(_item(item, order.currency) for item in order.items),
    )


def _item(item: OrderItem, currency: str) -> models.ErpItem:
    return models.ErpItem(
        item=item.item,
        material=item.material,
        plant=item.plant,
        quantity=Quantity(tidy(item.quantity), item.unit),
        net_amount=Money(tidy(item.net_amount), currency),
        rejection_reason=item.rejection_reason or None,
        delivery_status=item.delivery_status,
        schedule=tuple(_confirmation(line, item.unit) for line in item.confirmations),
    )


def _confirmation(line: Confirmation, unit: str) -> models.ErpConfirmation:
    ordered, confirmed = Quantity(tidy(line.ordered), unit), Quantity(tidy(line.confirmed), unit)
    return models.ErpConfirmation(line.requested_date, line.date, ordered, confirmed)


def erp_stock(stock: Stock, source: Origin) -> models.ErpStock:
    return models.ErpStock(source, stock.material, stock.plant, Quantity(tidy(stock.quantity), stock.unit))


def erp_availability(answer: Availability, source: Origin) -> models.ErpAvailability:
    refused = SourceMessage(answer.refused.code, answer.refused.text) if answer.refused else None
    return models.ErpAvailability(
        source=source,
        material=answer.material,
        plant=answer.plant,
        asked=None if refused else Quantity(tidy(answer.asked), answer.unit),
        available=None if refused else Quantity(tidy(answer.available), answer.unit),
        complete_at=answer.complete_at,
        refused=refused,
    )


def crm_quote(quote: Quote, source: Origin) -> models.CrmQuote:
    lines = tuple(
        models.CrmQuoteLine(
            line_id=line.line_id,
            number=line.number,
            material=line.material,
            quantity=Quantity(tidy(line.quantity), line.unit),
            unit_price=Money(tidy(line.unit_price), quote.currency) if line.unit_price is not None else None,
            requested_date=line.requested_date,
            plant=line.plant,
        )
        for line in quote.lines
    )
    return models.CrmQuote(
        source=source,
        quote_id=quote.quote_id,
        number=quote.number,
        name=quote.name,
        state=quote.state,
        version=quote.version,
        customer=quote.customer,
        expires_date=quote.expires_on,
        order_number=quote.order_number,
        modified_at=quote.modified_at,
        lines=lines,
    )


def held_capacity(held: Commitments, source: Origin) -> models.HeldCapacity:
    lines = tuple(
        models.PlannedLine(
            line.line_id, line.material, Quantity(tidy(line.quantity), line.unit), line.date, line.work_centre or None
        )
        for line in held.lines
    )
    return models.HeldCapacity(
        source=source,
        order_reference=held.order_reference,
        plant=held.plant,
        plan_version=held.plan_version,
        horizon_end_date=held.horizon_end,
        version=held.version,
        scenario_id=held.scenario_id,
        lines=lines,
    )
