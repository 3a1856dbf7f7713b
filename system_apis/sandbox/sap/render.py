"""Entities as OData V2 answers: the `d` envelope in JSON, an ATOM entry or feed where JSON was not asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

import msgspec

from system_apis.sandbox.sap.model import Entity, Function, Model
from system_apis.sandbox.sap.query import Tree
from system_apis.sandbox.sap.values import etag, to_json
from system_apis.sandbox.sap.wire import Node
from system_apis.sandbox.world.orders import Value

_DATE = re.compile(rb'"/Date\(([-+\d]+)\)/"')
_ATOM = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
    'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
)


def address(entity: Entity, node: Node, root: str) -> str:
    """The canonical URL of an entity."""
    values = {key: quote(f"'{str(node.fields[key]).replace(chr(39), chr(39) * 2)}'", safe="'") for key in entity.keys}
    inside = next(iter(values.values())) if len(values) == 1 else ",".join(f"{k}={v}" for k, v in values.items())
    return f"{root}/{entity.name}({inside})"


def version(entity: Entity, node: Node) -> str | None:
    stamp = node.fields[entity.version] if entity.version else None
    return etag(stamp) if isinstance(stamp, datetime | str) else None


def record(model: Model, entity: Entity, node: Node, root: str, *, select: Tree, expand: Tree) -> dict[str, object]:
    """One entity with `__metadata`; navigations that are not expanded are `__deferred`."""
    here = address(entity, node, root)
    metadata = {"id": here, "uri": here, "type": f"{model.service}.{entity.name}Type"}
    tag = version(entity, node)
    out: dict[str, object] = {"__metadata": metadata | ({"etag": tag} if tag else {})}
    out |= {name: to_json(node.fields[name]) for name in entity.properties if not select or name in select}
    for name, navigation in entity.navigations.items():
        if select and name not in select:
            continue
        if name in expand or name in node.inline:
            target = model.entities[navigation.target]
            inner = {"select": select.get(name, {}), "expand": expand.get(name, {})}
            reached = node.navigations[name]() if name in node.navigations else None
            if isinstance(reached, list):
                out[name] = {"results": [record(model, target, each, root, **inner) for each in reached]}
            else:
                out[name] = None if reached is None else record(model, target, reached, root, **inner)
        else:
            out[name] = {"__deferred": {"uri": f"{here}/{name}"}}
    return out


def one(found: dict[str, object], *, json: bool) -> bytes:
    return _json(found) if json else _entry(found, f" {_ATOM}").encode()


def many(found: Sequence[dict[str, object]], *, json: bool, count: int | None = None, following: str = "") -> bytes:
    """A page of a collection: `count` is the number of rows on all pages, `following` the address of the next one."""
    if not json:
        link = f'<link rel="next" href="{escape(following, {chr(34): "&quot;"})}"/>' if following else ""
        return f'<feed {_ATOM}><title type="text"/>{"".join(_entry(each, "") for each in found)}{link}</feed>'.encode()
    counted = {} if count is None else {"__count": str(count)}
    return _json(counted | {"results": found} | ({"__next": following} if following else {}))


def returned(model: Model, function: Function, found: Sequence[Mapping[str, Value]], *, json: bool) -> bytes:
    """What a function import returns: one record under the function's name, or a collection."""
    kind = {"__metadata": {"type": f"{model.service}.{function.returns.name}"}}
    records: list[dict[str, object]] = [
        kind | {name: to_json(each[name]) for name in function.returns.properties} for each in found
    ]
    if function.many or not json:
        return many(records, json=json)
    return _json({function.name: records[0]})


def _json(content: object) -> bytes:
    # Gateway escapes the slashes of its dates.
    return _DATE.sub(rb'"\\/Date(\1)\\/"', msgspec.json.encode({"d": content}))


def _entry(found: dict[str, object], namespaces: str) -> str:
    """Properties only: nobody who needs navigations reads ATOM here."""
    flat = {k: v for k, v in found.items() if not isinstance(v, dict) and v is not None}
    properties = "".join(
        f"<d:{k}>{escape(str(v).lower() if isinstance(v, bool) else str(v))}</d:{k}>" for k, v in flat.items()
    )
    metadata = found["__metadata"]
    where = escape(str(metadata.get("id", ""))) if isinstance(metadata, dict) else ""
    return (
        f'<entry{namespaces}><id>{where}</id><title type="text"/>'
        f'<content type="application/xml"><m:properties>{properties}</m:properties></content></entry>'
    )
