"""The `$metadata` of an OData service, read into what a drift check asks: which names, and what may be done. The reader
here is that of version 2.

Attributes only, by an event parser that refuses entity declarations: metadata comes from outside like any answer.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from msgspec import Struct, field, structs


class MetadataUnreadable(ValueError):
    """The document is no metadata of an OData service."""


class Property(Struct):
    """SAP's annotations say what is *not* possible; what is not said is."""

    name: str
    type: str
    max_length: int | None = None
    creatable: bool = True
    updatable: bool = True
    filterable: bool = True


class EntityType(Struct):
    """A type with its properties and, by navigation, the name of the type it leads to."""

    name: str
    properties: dict[str, Property] = field(default_factory=dict)
    leads_to: dict[str, str] = field(default_factory=dict)


class EntitySet(Struct):
    name: str
    type: str
    creatable: bool = True
    updatable: bool = True


class ServiceMetadata(Struct):
    """`functions`: the parameters of each function import. All types by local name, without the namespace.
    `created_through`: where it is said, whether a navigation (`SalesOrder/_Item`) is a way to create something."""

    types: dict[str, EntityType] = field(default_factory=dict)
    sets: dict[str, EntitySet] = field(default_factory=dict)
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    created_through: dict[str, bool] = field(default_factory=dict)

    def entity_type(self, path: str) -> EntityType | None:
        """The type at `A_SalesOrder/to_Item`: a set, then navigations."""
        first, *steps = path.split("/")
        at = self.types.get(self.sets[first].type) if first in self.sets else None
        for step in steps:
            if at is None or step not in at.leads_to:
                return None
            at = self.types.get(at.leads_to[step])
        return at

    def set_of(self, path: str) -> EntitySet | None:
        """The set that holds what stands at the path, and what can be done with it there."""
        there = self.entity_type(path)
        if "/" not in path or there is None:
            return self.sets.get(path)
        found = next((one for one in self.sets.values() if one.type == there.name), None)
        above, _, last = path.rpartition("/")
        through = self.set_of(above)
        if found is None or through is None:
            return found
        creatable = self.created_through.get(f"{through.name}/{last}", found.creatable)
        return structs.replace(found, creatable=creatable)


def read(document: bytes) -> ServiceMetadata:
    """Raises MetadataUnreadable. What it does not know of the document it passes over."""
    reader = _Reader()
    walk(document, reader.start, reader.end)
    if not reader.found.sets and not reader.found.functions:
        raise MetadataUnreadable("it names neither an entity set nor a function")
    return reader.finished()


def walk(
    document: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None] | None = None,
) -> None:
    """Every element by local name with its attributes, in the order of the document; `text` is what stands between."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda tag, said: start(local(tag), {local(name): said[name] for name in said})
    parser.EndElementHandler = lambda tag: end(local(tag))
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(document, True)  # noqa: FBT003 - the parser's own signature
    except expat.ExpatError as wrong:
        raise MetadataUnreadable(f"it is no XML: {wrong}") from None


def _refuse_entity(*_: object) -> None:
    raise MetadataUnreadable("it declares entities")


class _Reader:
    """Collects while the document passes. A navigation names an association and a role in it: joined at the end."""

    def __init__(self) -> None:
        self.found = ServiceMetadata()
        self._type: EntityType | None = None
        self._association = ""
        self._function = ""
        self._ends: dict[tuple[str, str], str] = {}
        self._navigations: list[tuple[EntityType, str, str, str]] = []

    def start(self, tag: str, said: dict[str, str]) -> None:
        name = said.get("Name", "")
        match tag:
            case "EntityType":
                self._type = self.found.types[name] = EntityType(name)
            case "Property" if self._type is not None:
                self._type.properties[name] = _property(said)
            case "NavigationProperty" if self._type is not None:
                association, role = unqualified(said.get("Relationship", "")), said.get("ToRole", "")
                self._navigations.append((self._type, name, association, role))
            case "Association":
                self._association = name
            case "End" if said.get("Type"):
                self._ends[self._association, said.get("Role", "")] = unqualified(said["Type"])
            case "EntitySet":
                kind = unqualified(said.get("EntityType", ""))
                self.found.sets[name] = EntitySet(name, kind, _may(said, "creatable"), _may(said, "updatable"))
            case "FunctionImport":
                self._function = name
                self.found.functions[name] = ()
            case "Parameter" if self._function:
                self.found.functions[self._function] += (name,)

    def end(self, tag: str) -> None:
        match tag:
            case "EntityType":
                self._type = None
            case "FunctionImport":
                self._function = ""

    def finished(self) -> ServiceMetadata:
        for source, name, association, role in self._navigations:
            if (target := self._ends.get((association, role))) is not None:
                source.leads_to[name] = target
        return self.found


def _property(said: dict[str, str]) -> Property:
    return Property(
        name=said.get("Name", ""),
        type=said.get("Type", ""),
        max_length=length(said),
        creatable=_may(said, "creatable"),
        updatable=_may(said, "updatable"),
        filterable=_may(said, "filterable"),
    )


def _may(said: dict[str, str], what: str) -> bool:
    return said.get(what, "true").lower() != "false"


def length(said: dict[str, str]) -> int | None:
    most = said.get("MaxLength", "")
    return int(most) if most.isascii() and most.isdigit() else None


def local(name: str) -> str:
    return name.rpartition(" ")[2]


def unqualified(name: str) -> str:
    return name.rpartition(".")[2]
