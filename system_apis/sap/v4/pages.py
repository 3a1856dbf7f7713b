"""Collections of version 4 to their end: SAP gives long ones by pages, expanded ones too, each naming the next."""

from __future__ import annotations

import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.sap import odata
from system_apis.sap.asking import SapErrand
from system_apis.sap.service import MOST_PAGES, Service
from system_apis.sap.v4.wire import Listed, T

Pages = msgspec.json.Decoder[Listed[T]]


async def listed(
    service: Service, path: str, decoder: Pages[T], errand: SapErrand, deadline: Deadline
) -> tuple[T, ...]:
    """All of a collection, whatever the pages SAP cuts it into."""
    answer = await service.get(path, errand, deadline)
    first = decoded(decoder, answer.content, errand)
    return await rest(service, first.value, first.next, decoder, errand, deadline)


async def rest(  # noqa: PLR0917  what a page is, and what it takes to ask for the next
    service: Service,
    first: tuple[T, ...] | None,
    more: str | None,
    decoder: Pages[T],
    errand: SapErrand,
    deadline: Deadline,
) -> tuple[T, ...]:
    """What `first` begins and `more` goes on with; each page is asked of the configured origin, whatever it says."""
    if first is None:
        raise errand.unreadable("a part of the order that was asked for is not in the answer")
    found = list(first)
    for _ in range(MOST_PAGES):
        if more is None:
            return tuple(found)
        answer = await service.get(odata.next_page(more, service.root, errand), errand, deadline)
        page = decoded(decoder, answer.content, errand)
        found += page.value
        more = page.next
    raise errand.unreadable(f"the list does not end after {MOST_PAGES} pages")
