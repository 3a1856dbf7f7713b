"""A version 4 metadata document written from what we use, with annotations that an upgrade could bring."""

from __future__ import annotations

from system_apis.sap.uses import ServiceUse, Use

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.01" '
    'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<edmx:DataServices><Schema Namespace="com.sap.orders" Alias="SAP__self">'
)
_SETS = {
    "SalesOrder": "SalesOrder",
    "SalesOrder/_Item": "SalesOrderItem",
    "SalesOrder/_Item/_ScheduleLine": "SalesOrderScheduleLine",
    "SalesOrder/_Partner": "SalesOrderPartner",
}
_ITEMS_ARE_MADE_AT_THEIR_ORDER = """<Annotations Target="SAP__self.Container/SalesOrder">
<Annotation Term="SAP__capabilities.NavigationRestrictions"><Record><PropertyValue Property="RestrictedProperties">
<Collection><Record><PropertyValue Property="NavigationProperty" NavigationPropertyPath="_Item"/>
<PropertyValue Property="InsertRestrictions"><Record><PropertyValue Property="Insertable" Bool="{insertable}"/></Record>
</PropertyValue></Record></Collection></PropertyValue></Record></Annotation></Annotations>
<Annotations Target="SAP__self.Container/SalesOrderItem"><Annotation Term="SAP__capabilities.InsertRestrictions">
<Record><PropertyValue Property="Insertable" Bool="false"/></Record></Annotation></Annotations>"""


def edmx(use: ServiceUse, annotations: str = "", *, without: str = "", insertable: str = "true") -> bytes:
    """All of `use` but for one property or navigation (`Type.Name`); items can't be made on their own."""
    types = "".join(_type(each, without) for each in use.uses)
    sets = "".join(f'<EntitySet Name="{name}" EntityType="com.sap.orders.{name}_Type"/>' for name in _SETS.values())
    made = _ITEMS_ARE_MADE_AT_THEIR_ORDER.format(insertable=insertable)
    container = f'<EntityContainer Name="Container">{sets}</EntityContainer>'
    return f"{_HEAD}{types}{container}{made}{annotations}</Schema></edmx:DataServices></edmx:Edmx>".encode()


def at_property(place: str, term: str, value: str = "") -> str:
    """An annotation that points at `Type/Property`."""
    return f'<Annotations Target="SAP__self.{place}"><Annotation Term="SAP__core.{term}" {value}/></Annotations>'


def at_set(name: str, term: str, inside: str) -> str:
    annotation = f'<Annotation Term="SAP__capabilities.{term}"><Record>{inside}</Record></Annotation>'
    return f'<Annotations Target="SAP__self.Container/{name}">{annotation}</Annotations>'


def _type(use: Use, without: str) -> str:
    name = _SETS[use.path]
    fields = dict.fromkeys((*use.read, *use.create, *use.update, *use.filter))
    properties = [f'<Property Name="{one}" Type="Edm.String"/>' for one in fields if f"{name}.{one}" != without]
    navigations = [
        f'<NavigationProperty Name="{path.rpartition("/")[2]}" Type="Collection(com.sap.orders.{towards}_Type)"/>'
        for path, towards in _SETS.items()
        if path.rpartition("/")[0] == use.path and f"{name}.{path.rpartition('/')[2]}" != without
    ]
    return f'<EntityType Name="{name}_Type">{"".join(properties + navigations)}</EntityType>'
