"""The `$metadata` of an OData version 4 service. What may be done is not said at a property but in annotations that
point at it (Org.OData.Core.V1, Org.OData.Capabilities.V1), anywhere in the document."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from system_apis.sap.metadata import (
    EntitySet,
    EntityType,
    MetadataUnreadable,
    Property,
    ServiceMetadata,
    length,
    unqualified,
    walk,
)

_DEEPEST = 40


def read(document: bytes) -> ServiceMetadata:
    """Raises MetadataUnreadable. What it does not know of the document it passes over."""
    reader = _Reader()
    walk(document, reader.start, reader.end, reader.text)
    if not reader.found.sets:
        raise MetadataUnreadable("it names no entity set")
    for target, annotation in reader.said:
        _judge(reader.found, target, annotation)
    return reader.found


class _Element(Struct):
    """An element below an annotation."""

    tag: str
    said: dict[str, str]
    inside: list[_Element] = field(default_factory=list)
    text: str = ""

    def value(self, name: str) -> _Element | None:
        """The property value of that name in the record that this element holds."""
        return next((one for one in self.records("PropertyValue") if one.said.get("Property") == name), None)

    def records(self, tag: str) -> Iterator[_Element]:
        """The nearest elements with this tag below this one."""
        for one in self.inside:
            if one.tag == tag:
                yield one
            elif one.tag in {"Record", "Collection"}:
                yield from one.records(tag)

    def denied(self, name: str) -> bool:
        there = self.value(name)
        return there is not None and there.said.get("Bool") == "false"


class _Reader:
    """Collects types and sets while the document passes, and every annotation with the place it points at."""

    def __init__(self) -> None:
        self.found = ServiceMetadata()
        self.said: list[tuple[str, _Element]] = []
        self._type: EntityType | None = None
        self._targets: list[str] = []
        self._open: list[_Element] = []

    def start(self, tag: str, said: dict[str, str]) -> None:
        if self._open or tag == "Annotation":
            self._below(_Element(tag, said))
            return
        name = said.get("Name", "")
        match tag:
            case "Annotations":
                self._targets.append(unqualified(said.get("Target", "")))
            case "EntityType":
                self._type = self.found.types[name] = EntityType(name)
            case "Property" if self._type is not None:
                self._type.properties[name] = Property(name, said.get("Type", ""), length(said))
                self._targets.append(f"{self._type.name}/{name}")
            case "NavigationProperty" if self._type is not None:
                self._type.leads_to[name] = unqualified(said.get("Type", "").rstrip(")"))
            case "EntitySet":
                self.found.sets[name] = EntitySet(name, unqualified(said.get("EntityType", "")))
                self._targets.append(f"Container/{name}")

    def end(self, tag: str) -> None:
        if self._open:
            self._open.pop()
        elif tag in {"Annotations", "EntitySet"} or (tag == "Property" and self._type is not None):
            self._targets.pop()
        elif tag == "EntityType":
            self._type = None

    def text(self, written: str) -> None:
        if self._open:
            self._open[-1].text += written.strip()

    def _below(self, element: _Element) -> None:
        if self._open:
            self._open[-1].inside.append(element)
        elif self._targets:
            self.said.append((self._targets[-1], element))
        self._open.append(element)
        if len(self._open) > _DEEPEST:
            raise MetadataUnreadable("its annotations are nested too deep")


def _judge(found: ServiceMetadata, target: str, annotation: _Element) -> None:
    first, _, last = target.partition("/")
    term = unqualified(annotation.said.get("Term", ""))
    if first in found.types and last in found.types[first].properties:
        _judge_property(found.types[first].properties[last], term, annotation)
    elif last in found.sets:
        _judge_set(found, found.sets[last], term, annotation)


def _judge_property(one: Property, term: str, annotation: _Element) -> None:
    if annotation.said.get("Bool") == "false":
        return
    if term == "Computed":
        one.creatable = one.updatable = False
    elif term == "Immutable":
        one.updatable = False


def _judge_set(found: ServiceMetadata, one: EntitySet, term: str, annotation: _Element) -> None:
    match term:
        case "InsertRestrictions":
            one.creatable = one.creatable and not annotation.denied("Insertable")
        case "UpdateRestrictions":
            one.updatable = one.updatable and not annotation.denied("Updatable")
        case "FilterRestrictions":
            for name in _unfilterable(annotation, found.types.get(one.type)):
                found.types[one.type].properties[name].filterable = False
        case "NavigationRestrictions":
            for navigation, creatable in _navigations(annotation):
                found.created_through[f"{one.name}/{navigation}"] = creatable


def _unfilterable(annotation: _Element, there: EntityType | None) -> Iterator[str]:
    if there is None:
        return
    if annotation.denied("Filterable"):
        yield from there.properties
    named = annotation.value("NonFilterableProperties")
    for path in named.records("PropertyPath") if named is not None else ():
        if path.text in there.properties:
            yield path.text


def _navigations(annotation: _Element) -> Iterator[tuple[str, bool]]:
    """What the navigations of a set allow to create, where they say it."""
    restricted = annotation.value("RestrictedProperties")
    for record in restricted.records("Record") if restricted is not None else ():
        towards, insert = record.value("NavigationProperty"), record.value("InsertRestrictions")
        if towards is not None and insert is not None:
            yield towards.said.get("NavigationPropertyPath", ""), not insert.denied("Insertable")
