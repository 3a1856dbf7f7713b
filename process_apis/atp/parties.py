"""Where the goods of a check may go: to the ship-to parties that the ERP has for the sold-to party, nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from policies.errors import NotVisible
from process_apis.atp.inquiries import AskedCustomer, Inquiries
from process_apis.atp.models import AtpCheckRequest
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from process_apis.words import bare
from system_apis.deadline import Deadline
from system_apis.sap.goods import Customer
from system_apis.sap.models import SalesArea


async def ship_to_of(
    request: AtpCheckRequest,
    sold_to: str,
    area: SalesArea,
    *,
    erps: Iterable[str],
    landscape: Landscape,
    inquiries: Inquiries,
    deadline: Deadline,
) -> str:
    """The ERP's number of the ship-to party. Raises NotVisible for one of somebody else and for one that nobody knows,
    after the same question to every ERP that has to deliver; NoSourceAnswered if one of them does not say.
    """
    party = request.ship_to
    if party is None:
        return sold_to
    wanted = landscape.references.customer(party.scheme, party.id)
    if wanted == sold_to:
        return sold_to
    instances = list(dict.fromkeys(erps))
    heard = await asyncio.gather(
        *(inquiries.customer(landscape.erps[one], AskedCustomer(one, sold_to, area), deadline) for one in instances)
    )
    silent = tuple(one for one, found in zip(instances, heard, strict=True) if found.value is None)
    if silent:
        raise NoSourceAnswered(silent)
    told = [one.value for one in heard]
    if wanted is None or not all(isinstance(one, Customer) and wanted in map(bare, one.ship_tos) for one in told):
        raise NotVisible("customer", party.id)
    return wanted
