"""Drift of SAP: what we use of each service against the metadata it serves today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from system_apis.drift import Finding, Kind, renamed_to
from system_apis.sap.description import Description
from system_apis.sap.metadata import EntityType, Property, ServiceMetadata
from system_apis.sap.uses import REFERENCE_LENGTH, ServiceUse, Use


def compare(
    descriptions: Iterable[Description], wanted: Iterable[ServiceUse], *, instance: str, reference_field: str
) -> tuple[Finding, ...]:
    """What is missing, renamed or no longer possible of what is `wanted`; and whether our reference field can do what
    it is there for."""
    told = {each.service: each for each in descriptions}
    finding = partial(Finding, "sap", instance)
    found: list[Finding] = []
    for service in wanted:
        description = told.get(service.service, Description(service.service, None, "it was not asked"))
        if description.metadata is None:
            found.append(finding("missing", service.service, None, _not_served(description)))
            continue
        for kind, entity, field, detail in _differences(service, description.metadata, reference_field):
            found.append(finding(kind, f"{service.service}/{entity}", field, detail))
    return tuple(found)


_Difference = tuple[Kind, str, str | None, str]


def _not_served(description: Description) -> str:
    return (
        f"The service {description.service} is not served ({description.why}): activate it and give the communication "
        "user its authorization."
    )


def _differences(service: ServiceUse, live: ServiceMetadata, reference_field: str) -> Iterator[_Difference]:
    for name, parameters in service.functions.items():
        yield from _function(name, parameters, live)
    for use in service.uses:
        there = live.entity_type(use.path)
        if there is None:
            yield _gone(use.path, live)
            continue
        yield from _set(use, live)
        yield from _properties(use, there)
        if reference_field in use.filter:
            yield from _reference(use.path, reference_field, there)


def _function(name: str, parameters: tuple[str, ...], live: ServiceMetadata) -> Iterator[_Difference]:
    if name not in live.functions:
        near = renamed_to(name, live.functions)
        yield _missing(name, None, near, f"The function {name}")
        return
    for parameter in parameters:
        if parameter not in live.functions[name]:
            near = renamed_to(parameter, live.functions[name])
            yield _missing(name, parameter, near, f"The parameter {parameter} of {name}")


def _gone(path: str, live: ServiceMetadata) -> _Difference:
    """The first step of the path that leads nowhere."""
    above, _, last = path.rpartition("/")
    if not above:
        return _missing(path, None, renamed_to(path, live.sets), f"The entity set {path}")
    parent = live.entity_type(above)
    if parent is None:
        return _gone(above, live)
    return _missing(path, None, renamed_to(last, parent.leads_to), f"The navigation {last} of {above}")


def _set(use: Use, live: ServiceMetadata) -> Iterator[_Difference]:
    there = live.set_of(use.path)
    if there is not None and use.create and not there.creatable:
        yield "notCreatable", use.path, None, f"Nothing can be created in {there.name} any more."
    if there is not None and use.update and not there.updatable:
        yield "notUpdatable", use.path, None, f"Nothing can be changed in {there.name} any more."


def _properties(use: Use, there: EntityType) -> Iterator[_Difference]:
    for name in dict.fromkeys((*use.read, *use.create, *use.update, *use.filter)):
        live = there.properties.get(name)
        if live is None:
            near = renamed_to(name, there.properties)
            yield _missing(use.path, name, near, f"The property {name} of {use.path}")
            continue
        yield from _impossible(use, live)


def _impossible(use: Use, live: Property) -> Iterator[_Difference]:
    if live.name in use.create and not live.creatable:
        yield "notCreatable", use.path, live.name, f"{live.name} of {use.path} can't be set on creation any more."
    if live.name in use.update and not live.updatable:
        yield "notUpdatable", use.path, live.name, f"{live.name} of {use.path} can't be changed any more."
    if live.name in use.filter and not live.filterable:
        yield "notFilterable", use.path, live.name, f"{live.name} of {use.path} can't be filtered by any more."


def _reference(path: str, name: str, there: EntityType) -> Iterator[_Difference]:
    """Our reference must fit whole: a cut one is found by nobody."""
    live = there.properties.get(name)
    if live is None:
        return
    if live.type != "Edm.String":
        yield "wrongType", path, name, f"{name} keeps our reference and is {live.type}, not Edm.String."
    elif live.max_length is not None and live.max_length < REFERENCE_LENGTH:
        detail = f"{name} keeps our reference, needs {REFERENCE_LENGTH} characters and has {live.max_length}."
        yield "tooShort", path, name, detail


def _missing(entity: str, field: str | None, near: str | None, what: str) -> _Difference:
    if near is None:
        return "missing", entity, field, f"{what} is not there."
    return "renamed", entity, field, f"{what} is not there; {near} may be what it is called now."
