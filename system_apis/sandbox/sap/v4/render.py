"""Entities as OData V4 answers: `@odata.context`, `@odata.etag`, `value`; decimals as numbers, or texts if wanted."""

from __future__ import annotations

from datetime import datetime

import msgspec

from system_apis.sandbox.sap.model import Entity, Model
from system_apis.sandbox.sap.v4.model import MESSAGES
from system_apis.sandbox.sap.v4.query import EVERYTHING, Options
from system_apis.sandbox.sap.v4.values import etag, to_json
from system_apis.sandbox.sap.wire import Node

_METADATA = 'W/"20260911190145"'
"""The version of `$metadata`, told with every answer; it changes when the service does."""
_NUMBERS = msgspec.json.Encoder(decimal_format="number")
_TEXTS = msgspec.json.Encoder(decimal_format="string")
Shown = dict[str, object]


def version(entity: Entity, node: Node) -> str | None:
    stamp = node.fields[entity.version] if entity.version else None
    return etag(stamp) if isinstance(stamp, datetime) else None


def record(model: Model, entity: Entity, node: Node, options: Options, *, texts: bool) -> Shown:
    """One entity and what is expanded in it. Its own messages are empty: `said` puts in what there is to say."""
    tag = version(entity, node)
    out: Shown = {"@odata.etag": tag} if tag else {}
    for name in entity.properties:
        if not options.select or name in options.select:
            out[name] = [] if name == MESSAGES else to_json(node.fields[name])
    for name, inner in (dict.fromkeys(node.inline, EVERYTHING) | options.expand).items():
        navigation = entity.navigations[name]
        target, reached = model.entities[navigation.target], node.navigations[name]()
        if not isinstance(reached, list):
            out[name] = None if reached is None else record(model, target, reached, inner, texts=texts)
            continue
        rows = inner.sorted(target, [row for row in reached if inner.matches(row.fields)])
        if inner.count:
            out[f"{name}@odata.count"] = counted(len(rows), texts=texts)
        chosen = rows[inner.skip :][: inner.top]
        out[name] = [record(model, target, row, inner, texts=texts) for row in chosen]
    return out


def counted(number: int, *, texts: bool) -> int | str:
    """A count is an Edm.Int64: where decimals are texts, it is one too."""
    return str(number) if texts else number


def said(found: Shown, messages: list[Shown]) -> bool:
    """Puts messages into an entity, if it has a place for them."""
    if MESSAGES not in found:
        return False
    found[MESSAGES] = messages
    return True


def one(found: Shown, entity: Entity, options: Options, path: str, *, texts: bool) -> bytes:
    context = f"{_context(entity, options, path)}/$entity"
    return encoded({"@odata.context": context, "@odata.metadataEtag": _METADATA} | found, texts=texts)


def many(
    found: list[Shown],
    entity: Entity,
    options: Options,
    path: str,
    *,
    texts: bool,
    count: int | None = None,
    following: str = "",
) -> bytes:
    """A page of a collection: `count` is the number of rows on all pages, `following` where the next one is."""
    out: Shown = {"@odata.context": _context(entity, options, path), "@odata.metadataEtag": _METADATA}
    if count is not None:
        out["@odata.count"] = counted(count, texts=texts)
    out["value"] = found
    return encoded(out | ({"@odata.nextLink": following} if following else {}), texts=texts)


def service(model: Model) -> bytes:
    sets = [{"name": name, "url": name} for name in model.entities]
    return encoded({"@odata.context": "$metadata", "@odata.metadataEtag": _METADATA, "value": sets}, texts=False)


def encoded(content: object, *, texts: bool) -> bytes:
    return (_TEXTS if texts else _NUMBERS).encode(content)


def back(path: str) -> str:
    """From the place a path names to the root of the service: SAP's addresses in bodies are relative."""
    return "../" * path.count("/")


def _context(entity: Entity, options: Options, path: str) -> str:
    return f"{back(path)}$metadata#{entity.name}{_selected(options)}"


def _selected(options: Options) -> str:
    deeper = (f"{name}{_selected(inner)}" for name, inner in options.expand.items() if _selected(inner))
    names = [*sorted(options.select), *deeper]
    return f"({','.join(names)})" if names else ""
