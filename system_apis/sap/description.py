"""The live metadata of the services we use, asked side by side. One that is not served is a finding, no failure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, SystemRefused
from system_apis.sap.metadata import MetadataUnreadable, ServiceMetadata
from system_apis.sap.service import Service


class Description(Struct, frozen=True):
    """The metadata of a service we use. None: the instance does not serve it to us, and `why` says what it answered."""

    service: str
    metadata: ServiceMetadata | None
    why: str = ""


async def describe(services: Iterable[Service], deadline: Deadline) -> tuple[Description, ...]:
    """Raises what says nothing about a service: no connection, no time, credentials refused."""
    told = await asyncio.gather(*(_describe(service, deadline) for service in services), return_exceptions=True)
    for each in told:
        if isinstance(each, BaseException):
            raise each
    return tuple(each for each in told if not isinstance(each, BaseException))


async def _describe(service: Service, deadline: Deadline) -> Description:
    errand = service.errand("read metadata")
    try:
        answer = await service.get("$metadata", errand, deadline, accept="application/xml")
    except SystemRefused as no:
        why = "not found" if isinstance(no, NotFoundInSystem) else no.code
        return Description(service.name, None, why)
    try:
        return Description(service.name, service.dialect.described(answer.content))
    except MetadataUnreadable as wrong:
        raise errand.unreadable(f"the metadata of {service.name} can't be read: {wrong}") from wrong
