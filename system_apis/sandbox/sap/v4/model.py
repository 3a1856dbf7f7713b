"""The model of the V4 service, read from the EDMX that is also served: types, and what its annotations allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from xml.etree import ElementTree as Xml

from system_apis.sandbox.sap.model import Entity, Model, Navigation, Property

SERVICE = "CE_SALESORDER_0001"
MESSAGES = "SAP__Messages"
_SCALE_OF_AMOUNTS = 2
"""Where the metadata says `variable`, the currency decides; all is in dollars here."""
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_Flags = dict[str, frozenset[str]]


@dataclass(frozen=True)
class Allowed:
    """What the annotations of an entity set allow. `inserts`: through which navigations rows of others are added.

    `version`: the path of the field that a change must know in its present state (OptimisticConcurrency).
    `only_equal`: fields that filters compare with `eq` alone.
    """

    insert: bool
    update: bool
    delete: bool
    inserts: frozenset[str]
    version: str
    only_equal: frozenset[str]


@dataclass(frozen=True)
class Served:
    """The service's model and what it allows, by entity set."""

    model: Model
    allowed: dict[str, Allowed]


def load() -> Served:
    package = __package__.rpartition(".")[0]
    edmx = (files(package) / "metadata" / f"{SERVICE}.edmx").read_bytes()
    root = Xml.fromstring(edmx)  # noqa: S314 - our own file, shipped beside this package
    notes = {note.attrib["Target"]: note for note in root.iter(_EDM + "Annotations")}
    sets = {_type(each.attrib["EntityType"]): each.attrib["Name"] for each in root.iter(_EDM + "EntitySet")}
    allowed = {name: _allowed(notes[f"SAP__self.Container/{name}"]) for name in sets.values()}
    kinds = (kind for kind in root.iter(_EDM + "EntityType") if kind.attrib["Name"] in sets)
    entities = [_entity(kind, sets, notes, allowed) for kind in kinds]
    return Served(Model(SERVICE, {each.name: each for each in entities}, {}, edmx), allowed)


def _entity(
    kind: Xml.Element, sets: dict[str, str], notes: dict[str, Xml.Element], allowed: dict[str, Allowed]
) -> Entity:
    own = kind.attrib["Name"]
    name = sets[own]
    properties = {}
    for each in kind.iter(_EDM + "Property"):
        flags = {note.attrib["Term"] for note in notes.get(f"SAP__self.{own}/{each.attrib['Name']}", ())}
        made = _property(each, flags)
        properties[made.name] = replace(made, is_version=made.name == allowed[name].version)
    return Entity(
        name,
        tuple(ref.attrib["Name"] for ref in kind.iter(_EDM + "PropertyRef")),
        properties,
        {
            each.attrib["Name"]: Navigation(sets[_type(each.attrib["Type"])], "Collection(" in each.attrib["Type"])
            for each in kind.iter(_EDM + "NavigationProperty")
        },
    )


def _property(element: Xml.Element, flags: set[str]) -> Property:
    scale = element.get("Scale", "0")
    computed = "SAP__core.Computed" in flags
    return Property(
        name=element.attrib["Name"],
        type=element.attrib["Type"],
        max_length=int(element.get("MaxLength", "0")),
        precision=int(element.get("Precision", "0")),
        scale=_SCALE_OF_AMOUNTS if scale == "variable" else int(scale),
        creatable=not computed,
        updatable=not computed and "SAP__core.Immutable" not in flags,
        filterable=element.attrib["Name"] != MESSAGES,
        is_version=False,
        nullable=element.get("Nullable") != "false",
    )


def _allowed(notes: Xml.Element) -> Allowed:
    def allows(action: str, flag: str) -> bool:
        found = notes.find(f"*[@Term='SAP__capabilities.{action}Restrictions']/*/*[@Property='{flag}']")
        return found is None or found.get("Bool") != "false"

    version = notes.find("*[@Term='SAP__core.OptimisticConcurrency']/*/*")
    filters = notes.find("*[@Term='SAP__capabilities.FilterRestrictions']")
    through = notes.iterfind("*[@Term='SAP__capabilities.NavigationRestrictions']/*/*/*/*")
    return Allowed(
        insert=allows("Insert", "Insertable"),
        update=allows("Update", "Updatable"),
        delete=allows("Delete", "Deletable"),
        inserts=frozenset(_opened(list(through))),
        version="" if version is None else version.text or "",
        only_equal=frozenset(
            found for each in (filters.iter() if filters is not None else ()) if (found := each.get("PropertyPath"))
        ),
    )


def _opened(records: list[Xml.Element]) -> set[str]:
    """The navigations that are named in these records: all that are named are insertable."""
    return {path for record in records for each in record if (path := each.get("NavigationPropertyPath"))}


def _type(name: str) -> str:
    return name.removeprefix("Collection(").removesuffix(")").rpartition(".")[2]
