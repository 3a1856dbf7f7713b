"""Metadata documents written from what we use, as SAP Gateway shapes them, with changes an upgrade could bring."""

from __future__ import annotations

from collections.abc import Mapping

from system_apis.sap.uses import ServiceUse, Use

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0" '
    'xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" '
    'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
    'xmlns:sap="http://www.sap.com/Protocols/SAPData"><edmx:DataServices m:DataServiceVersion="2.0">'
)

Change = Mapping[str, str | None]
"""By a place in the metadata (`A_SalesOrder`, `A_SalesOrder/to_Item`, `A_SalesOrder.SoldToParty`, a function's name):
attributes to add there, or None to leave it out."""


def edmx(use: ServiceUse, change: Change | None = None) -> bytes:
    """A document in which all of `use` is there, but for the change."""
    changed = change or {}
    kept = [each for each in use.uses if changed.get(each.path, "") is not None]
    paths = [each.path for each in kept]
    types = [_type(use.service, each, paths, changed) for each in kept]
    links = [_association(use.service, path) for path in paths if "/" in path]
    sets = [
        f'<EntitySet Name="{_name(path)}" EntityType="{use.service}.{_name(path)}Type" {changed.get(path, "")}/>'
        for path in paths
    ]
    functions = [_function(name, use.functions[name]) for name in use.functions if changed.get(name, "") is not None]
    content = f'{"".join(types + links)}<EntityContainer Name="C">{"".join(sets + functions)}</EntityContainer>'
    schema = (
        f'<Schema Namespace="{use.service}" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">{content}</Schema>'
    )
    return f"{_HEAD}{schema}</edmx:DataServices></edmx:Edmx>".encode()


def _type(service: str, use: Use, paths: list[str], change: Change) -> str:
    names = dict.fromkeys((*use.read, *use.create, *use.update, *use.filter))
    properties = [
        f'<Property Name="{name}" Type="Edm.String" {change.get(f"{use.path}.{name}", "")}/>'
        for name in names
        if change.get(f"{use.path}.{name}", "") is not None
    ]
    below = [path for path in paths if path.rpartition("/")[0] == use.path]
    navigations = [
        f'<NavigationProperty Name="{path.rpartition("/")[2]}" Relationship="{service}.to_{_name(path)}" '
        f'FromRole="From" ToRole="To"/>'
        for path in below
    ]
    return f'<EntityType Name="{_name(use.path)}Type">{"".join(properties + navigations)}</EntityType>'


def _association(service: str, path: str) -> str:
    ends = (
        f'<End Type="{service}.{_name(to)}Type" Multiplicity="1" Role="{role}"/>'
        for role, to in (("From", path.rpartition("/")[0]), ("To", path))
    )
    return f'<Association Name="to_{_name(path)}">{"".join(ends)}</Association>'


def _function(name: str, parameters: tuple[str, ...]) -> str:
    inner = "".join(f'<Parameter Name="{one}" Type="Edm.String" Mode="In"/>' for one in parameters)
    return f'<FunctionImport Name="{name}" m:HttpMethod="GET">{inner}</FunctionImport>'


def _name(path: str) -> str:
    return path.replace("/", "_")
