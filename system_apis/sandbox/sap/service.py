"""An OData V2 service: addresses, methods, versions and bodies by the model; what they mean is its `Book`'s affair."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import msgspec

from system_apis.sandbox.sap import query, render
from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused, as_header, as_json, as_xml, refused
from system_apis.sandbox.sap.manner import Manner
from system_apis.sandbox.sap.model import Entity, Function, Model
from system_apis.sandbox.sap.values import comparable, from_json, from_literal
from system_apis.sandbox.sap.wire import Answer, Keys, Node, Payload, Request

_SEGMENT = re.compile(r"([A-Za-z_$]\w*)(?:\((.+)\))?")
_KEY = re.compile(r"(?:(\w+)=)?'((?:[^']|'')*)'")
_WRITES = {"PATCH", "MERGE"}
_TYPE_JSON = "application/json"
_TYPE_XML = "application/atom+xml;charset=utf-8"


@dataclass(frozen=True)
class _Target:
    """What a path points at. `parent`: the keys of the entity it goes through, `node`: the one entity, if it is one."""

    entity: Entity
    keys: Keys | None
    parent: Keys | None
    nodes: Callable[[], Iterable[Node]]
    node: Node | None
    counted: bool


class Service:
    """`page_size` is how many rows of a collection one answer holds; the caller may turn it."""

    manner = Manner(version=("dataserviceversion", "2.0"), batch_status=202, repeats=True)

    def __init__(self, model: Model, book: Book, page_size: int) -> None:
        self.model, self._book, self.page_size = model, book, page_size

    def handle(self, request: Request, changes: Changes) -> Answer:
        """Answers one request, writing into `changes`; the caller commits them. Raises Refused."""
        changes.messages = []
        answer = self._done(request, changes)
        if changes.messages:
            answer.headers["sap-message"] = as_header(changes.messages)
        return answer

    def explain(self, refusal: Refused, request: Request) -> Answer:
        """A refusal in JSON where that was asked for, else in XML."""
        json = request.wants_json
        body = as_json(refusal, self.model.service) if json else as_xml(refusal)
        return Answer(refusal.status, body, {"content-type": "application/json" if json else "application/xml"})

    def _done(self, request: Request, changes: Changes) -> Answer:
        method = request.headers.get("x-http-method", request.method) if request.method == "POST" else request.method
        path = request.path.strip("/")
        if method in ("GET", "HEAD"):
            return self._read(request, changes, path)
        if method == "POST":
            return self._insert(request, changes, path)
        if method in _WRITES:
            return self._change(request, changes, path)
        raise refused(405, "/IWFND/CM_MGW/405", f"Method {method} is not allowed here")

    def _read(self, request: Request, changes: Changes, path: str) -> Answer:
        if path == "":
            return _answer(msgspec.json.encode({"d": {"EntitySets": list(self.model.entities)}}), json=True)
        if path == "$metadata":
            return Answer(200, self.model.edmx, {"content-type": "application/xml"})
        json = request.wants_json
        if path in self.model.functions:
            return self._call(request, changes, self.model.functions[path])
        target = self._target(path, changes)
        options = query.parse(self.model, target.entity, request.query)
        shape = {"select": options.select, "expand": options.expand}
        if target.node is not None:
            found = render.record(self.model, target.entity, target.node, request.root, **shape)
            return _answer(render.one(found, json=json), json=json, etag=render.version(target.entity, target.node))
        rows = [row for row in target.nodes() if options.matches(row.fields)]
        if target.counted:
            return Answer(200, str(len(rows)).encode(), {"content-type": "text/plain;charset=utf-8"})
        asked = rows[options.skip :][: options.top]
        end = options.done + self.page_size
        records = [
            render.record(self.model, target.entity, row, request.root, **shape) for row in asked[options.done : end]
        ]
        following = _page(request, path, end) if len(asked) > end else ""
        count = len(rows) if options.count else None
        return _answer(render.many(records, json=json, count=count, following=following), json=json)

    def _call(self, request: Request, changes: Changes, function: Function) -> Answer:
        given = {}
        for name, prop in function.parameters.items():
            if name not in request.query:
                raise refused(400, "/IWBEP/CM_MGW_RT/170", f"Parameter '{name}' of '{function.name}' is missing")
            given[name] = from_literal(prop, request.query[name])
        found = self._book.call(changes, function.name, given)
        json = request.wants_json
        return _answer(render.returned(self.model, function, found, json=json), json=json)

    def _insert(self, request: Request, changes: Changes, path: str) -> Answer:
        target = self._target(path, changes)
        if target.node is not None:
            raise refused(405, "/IWFND/CM_MGW/405", "Method POST is not allowed on a single entity")
        body = self._payload(target.entity, _document(request), creating=True)
        node = self._book.insert(changes, target.entity.name, target.parent, body)
        found = render.record(self.model, target.entity, node, request.root, select={}, expand={})
        json = request.wants_json
        answer = _answer(render.one(found, json=json), json=json, etag=render.version(target.entity, node))
        answer.status = 201
        answer.headers["location"] = render.address(target.entity, node, request.root)
        return answer

    def _change(self, request: Request, changes: Changes, path: str) -> Answer:
        target = self._target(path, changes)
        if target.node is None or target.keys is None:
            raise refused(405, "/IWFND/CM_MGW/405", "Only a single entity can be changed")
        self._check_version(target.entity, target.node, request.headers.get("if-match"))
        body = self._payload(target.entity, _document(request), creating=False)
        self._book.change(changes, target.entity.name, target.keys, body)
        return Answer(204)

    @staticmethod
    def _check_version(entity: Entity, node: Node, sent: str | None) -> None:
        now = render.version(entity, node)
        if now is None or sent == "*":
            return
        if sent is None:
            text = "Data service request is required to be conditional; try using If-Match"
            raise refused(428, "/IWBEP/CM_MGW_RT/189", text)
        if sent != now:
            text = "State of the resource (entity) was already changed (If-Match)"
            raise refused(412, "/IWBEP/CM_MGW_RT/190", text)

    def _target(self, path: str, changes: Changes) -> _Target:
        segments = path.split("/")
        counted = segments[1:] != [] and segments[-1] == "$count"
        first, *rest = segments[:-1] if counted else segments
        name, keys = _parsed(first)
        entity = self._entity(name, first)
        if keys is None:
            if rest:
                raise _not_found(rest[0])
            return _Target(entity, None, None, lambda: self._book.rows(changes, name), None, counted)
        node = self._found(changes, entity, keys)
        if not rest:
            return _Target(entity, self._keys(entity, keys), None, tuple, node, counted)
        navigation = entity.navigations.get(rest[0])
        if navigation is None or len(rest) > 1:
            raise _not_found(rest[-1])
        reached = node.navigations[rest[0]]() if rest[0] in node.navigations else None
        target = self.model.entities[navigation.target]
        if isinstance(reached, list):
            return _Target(target, None, self._keys(entity, keys), lambda: reached, None, counted)
        if reached is None:
            raise _not_found(rest[0])
        return _Target(target, {key: str(reached.fields[key]) for key in target.keys}, None, tuple, reached, counted)

    def _entity(self, name: str, segment: str) -> Entity:
        if name not in self.model.entities:
            raise _not_found(segment)
        return self.model.entities[name]

    def _keys(self, entity: Entity, raw: dict[str, str]) -> Keys:
        named = {entity.keys[0]: raw[""]} if "" in raw and len(entity.keys) == 1 else raw
        if set(named) != set(entity.keys):
            raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid key predicate for '{entity.name}'")
        return {key: str(comparable(entity.properties[key], value)) for key, value in named.items()}

    def _found(self, changes: Changes, entity: Entity, raw: dict[str, str]) -> Node:
        node = self._book.find(changes, entity.name, self._keys(entity, raw))
        if node is None:
            text = f"Resource not found for segment '{entity.name}Type'"
            raise refused(404, "/IWBEP/CM_MGW_RT/020", text)
        return node

    def _payload(self, entity: Entity, raw: object, *, creating: bool) -> Payload:
        if not isinstance(raw, dict):
            raise refused(400, "CX_SXML_PARSE_ERROR", "Error while parsing the request body")
        body = Payload({}, {})
        for name, value in raw.items():
            if name in entity.properties:
                prop = entity.properties[name]
                if not (prop.creatable if creating else prop.updatable):
                    verb = "created" if creating else "updated"
                    text = f"Property '{name}' of '{entity.name}' cannot be {verb}"
                    raise refused(400, "/IWBEP/CM_MGW_RT/022", text)
                body.fields[name] = from_json(prop, value)
            elif creating and name in entity.navigations:
                target = self.model.entities[entity.navigations[name].target]
                body.navigations[name] = [self._payload(target, each, creating=True) for each in _listed(value)]
            elif name != "__metadata":
                raise refused(400, "/IWBEP/CM_MGW_RT/021", f"Property '{name}' is invalid")
        return body


def _parsed(segment: str) -> tuple[str, dict[str, str] | None]:
    shape = _SEGMENT.fullmatch(segment)
    if shape is None:
        raise _not_found(segment)
    inside = shape.group(2)
    if inside is None:
        return shape.group(1), None
    return shape.group(1), {name: value.replace("''", "'") for name, value in _KEY.findall(inside)}


def _page(request: Request, path: str, done: int) -> str:
    """Where the next page is: this very request, and what has been shown."""
    options = {name: value for name, value in request.query.items() if name != "$skiptoken"}
    return f"{request.root}/{path}?{urlencode(options | {'$skiptoken': done}, quote_via=quote, safe='$,()/')}"


def _not_found(segment: str) -> Refused:
    return refused(404, "/IWBEP/CM_MGW_RT/020", f"Resource not found for segment '{segment}'")


def _listed(value: object) -> list[object]:
    """A navigation's content: `[…]`, `{"results": […]}` or a single object."""
    inner = value.get("results", value) if isinstance(value, dict) else value
    return inner if isinstance(inner, list) else [inner]


def _document(request: Request) -> object:
    if not request.headers.get("content-type", "").startswith(_TYPE_JSON):
        raise refused(415, "/IWFND/CM_MGW/415", "Unsupported media type: this system reads application/json")
    try:
        return msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refused(400, "CX_SXML_PARSE_ERROR", "Error while parsing the request body") from None


def _answer(body: bytes, *, json: bool, etag: str | None = None) -> Answer:
    headers = {"content-type": _TYPE_JSON if json else _TYPE_XML} | ({"etag": etag} if etag else {})
    return Answer(200, body, headers)
