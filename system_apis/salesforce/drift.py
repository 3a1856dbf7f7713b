"""What an org serves our user today, against what `fields` declares that we use of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.drift import Finding, Kind, renamed_to
from system_apis.errand import Errand
from system_apis.errors import NotFoundInSystem
from system_apis.salesforce import wire
from system_apis.salesforce.fields import Entity, Field
from system_apis.salesforce.rest import Org

_DESCRIBED = msgspec.json.Decoder(wire.Described)
_TYPES: dict[str, frozenset[str]] = {
    "id": frozenset({"id"}),
    "text": frozenset({"string", "textarea", "picklist", "combobox", "email", "phone", "url", "encryptedstring"}),
    "number": frozenset({"double", "currency", "percent", "int", "long"}),
    "date": frozenset({"date"}),
    "instant": frozenset({"datetime"}),
    "flag": frozenset({"boolean"}),
    "reference": frozenset({"reference"}),
}
"""The types of an org that can be read and written as each of our kinds."""


async def findings(org: Org, used: Sequence[Entity], *, deadline: Deadline) -> tuple[Finding, ...]:
    """What an administrator has to mend; the version first, for without it there is nothing to describe."""
    errand = org.errand("compare what is served with what is used", writes=False)
    served = await org.versions(errand, deadline)
    if org.version not in served:
        detail = not_served(org.version, served)
        return (Finding("salesforce", org.instance, "versionNotServed", "/services/data", None, detail),)
    there = [await _described(org, entity.name, errand, deadline) for entity in used]
    return tuple(
        Finding("salesforce", org.instance, kind, entity.name, name, detail)
        for entity, described in zip(used, there, strict=True)
        for name, kind, detail in compared(entity, described)
    )


def not_served(version: str, served: Sequence[str]) -> str:
    span = f"{served[0]} to {served[-1]}" if served else "no version"
    return f"the org serves {span}, and api_version is {version}"


def compared(entity: Entity, there: wire.Described | None) -> Iterator[tuple[str | None, Kind, str]]:
    """The differences of an object: the field (None: the object itself), the kind, and what to do."""
    if there is None:
        yield None, "missing", f"our user sees no object {entity.name}: deploy it, or give the user its permission set"
        return
    if not there.queryable:
        yield None, "notReadable", f"our user may not query {entity.name}"
    if entity.used_to("create") and not there.createable:
        yield None, "notCreatable", f"our user may not create {entity.name}"
    if entity.used_to("update") and not there.updateable:
        yield None, "notUpdatable", f"our user may not edit {entity.name}"
    known = {field.name.lower(): field for field in there.fields}
    for field in entity.fields:
        seen = known.get(field.name.lower())
        if seen is None:
            yield (field.name, *_gone(entity, field, [one.name for one in there.fields]))
        else:
            for kind, detail in _changed(f"{entity.name}.{field.name}", field, seen):
                yield field.name, kind, detail


def _gone(entity: Entity, field: Field, names: Sequence[str]) -> tuple[Kind, str]:
    used = {one.name for one in entity.fields}
    near = renamed_to(field.name, (name for name in names if name not in used))
    if near:
        return "renamed", f"{entity.name} has no {field.name} but a {near}: was it renamed?"
    return "missing", f"{entity.name}.{field.name} does not exist, or field-level security hides it from our user"


def _changed(name: str, field: Field, seen: wire.DescribedField) -> Iterator[tuple[Kind, str]]:
    writes = field.uses & {"create", "update"}
    if seen.type not in _TYPES[field.kind]:
        yield "wrongType", f"{name} is of the type {seen.type}, and is used as {field.kind}"
    elif writes and field.kind == "text" and 0 < seen.length < field.longest:
        yield "tooShort", f"{name} holds {seen.length} characters, and up to {field.longest} are written"
    if "create" in writes and not seen.createable:
        yield "notCreatable", f"{name} can't be set when a record is made"
    if "update" in writes and not seen.updateable:
        yield "notUpdatable", f"{name} can't be edited by our user"
    if "filter" in field.uses and not seen.filterable:
        yield "notFilterable", f"{name} can't be searched by"
    if "key" in field.uses and not (seen.external_id and seen.unique):
        yield "notUnique", f"{name} has to be a unique external id, or a repeated write makes a second record"


async def _described(org: Org, entity: str, errand: Errand, deadline: Deadline) -> wire.Described | None:
    try:
        answer = await org.describe(entity, errand, deadline)
    except NotFoundInSystem:
        return None
    return decoded(_DESCRIBED, answer.content, errand)
