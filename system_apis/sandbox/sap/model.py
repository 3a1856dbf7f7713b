"""The entity model of a V2 service, read from the EDMX that is also served at `$metadata`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from xml.etree import ElementTree as Xml

from system_apis.sandbox.world.orders import Value

_EDM = "{http://schemas.microsoft.com/ado/2008/09/edm}"
_SAP = "{http://www.sap.com/Protocols/SAPData}"


@dataclass(frozen=True)
class Property:
    name: str
    type: str
    max_length: int
    precision: int
    scale: int
    creatable: bool
    updatable: bool
    filterable: bool
    is_version: bool
    nullable: bool = False
    """Null where nothing was entered: V4 says of each property whether it may be, V2 shows blanks whatever it says."""

    @property
    def unset(self) -> Value:
        """What SAP shows where nothing was entered: '' not null, except for days and instants."""
        if self.nullable:
            return None
        blanks: dict[str, Value] = {"Edm.String": "", "Edm.Boolean": False}
        return Decimal(0).scaleb(-self.scale) if self.type == "Edm.Decimal" else blanks.get(self.type)


@dataclass(frozen=True)
class Navigation:
    target: str
    many: bool


@dataclass
class Entity:
    """An entity set with its type: `name` is the set's, the type's has `Type` behind it (V4: `_Type`)."""

    name: str
    keys: tuple[str, ...]
    properties: dict[str, Property]
    navigations: dict[str, Navigation] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        return next((p.name for p in self.properties.values() if p.is_version), None)

    @cached_property
    def blank(self) -> dict[str, Value]:
        """A record in which nothing was entered; not to be written into."""
        return {p.name: p.unset for p in self.properties.values()}


@dataclass(frozen=True)
class Function:
    """A function import; what it returns is a complex type: an entity without keys."""

    name: str
    parameters: dict[str, Property]
    returns: Entity
    many: bool


@dataclass(frozen=True)
class Model:
    service: str
    entities: dict[str, Entity]
    functions: dict[str, Function]
    edmx: bytes


def load(service: str) -> Model:
    edmx = (files(__package__) / "metadata" / f"{service.partition(';')[0]}.edmx").read_bytes()
    root = Xml.fromstring(edmx)  # noqa: S314 - our own file, shipped beside this one
    ends = {link.get("Name"): _target(link) for link in root.iter(_EDM + "Association")}
    entities = {}
    for kind in root.iter(_EDM + "EntityType"):
        name = _name(kind).removesuffix("Type")
        entities[name] = Entity(
            name,
            tuple(_name(ref) for ref in kind.iter(_EDM + "PropertyRef")),
            {_name(p): _property(p) for p in kind.iter(_EDM + "Property")},
            {
                _name(n): ends[n.get("Relationship", "").rpartition(".")[2]]
                for n in kind.iter(_EDM + "NavigationProperty")
            },
        )
    return Model(
        service, entities, {_name(each): _function(root, each) for each in root.iter(_EDM + "FunctionImport")}, edmx
    )


def _name(element: Xml.Element) -> str:
    return element.attrib["Name"]


def _target(association: Xml.Element) -> Navigation:
    to = association.findall(_EDM + "End")[1]
    return Navigation(to.attrib["Type"].rpartition(".")[2].removesuffix("Type"), to.get("Multiplicity") == "*")


def _function(root: Xml.Element, element: Xml.Element) -> Function:
    returned = element.attrib["ReturnType"]
    kind = returned.removeprefix("Collection(").removesuffix(")").rpartition(".")[2]
    (record,) = (each for each in root.iter(_EDM + "ComplexType") if _name(each) == kind)
    return Function(
        _name(element),
        {_name(each): _property(each) for each in element.iter(_EDM + "Parameter")},
        Entity(kind, (), {_name(each): _property(each) for each in record.iter(_EDM + "Property")}),
        returned.startswith("Collection("),
    )


def _property(element: Xml.Element) -> Property:
    def allows(flag: str) -> bool:
        return element.get(_SAP + flag) != "false"

    return Property(
        name=_name(element),
        type=element.attrib["Type"],
        max_length=int(element.get("MaxLength", "0")),
        precision=int(element.get("Precision", "0")),
        scale=int(element.get("Scale", "0")),
        creatable=allows("creatable"),
        updatable=allows("updatable"),
        filterable=allows("filterable"),
        is_version=element.get("ConcurrencyMode") == "Fixed",
    )
