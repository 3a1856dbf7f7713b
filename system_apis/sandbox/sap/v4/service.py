"""The V4 service: methods, versions and pages by the model; what they mean is its `Book`'s affair, as in V2."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.manner import Manner
from system_apis.sandbox.sap.model import Entity
from system_apis.sandbox.sap.v4 import addresses, bodies, errors, query, render
from system_apis.sandbox.sap.v4.addresses import Target
from system_apis.sandbox.sap.v4.model import Allowed, Served
from system_apis.sandbox.sap.v4.query import Options
from system_apis.sandbox.sap.wire import Answer, Node, Request

_COMPATIBLE = "ieee754compatible=true"
_MINIMAL = "odata.metadata=minimal"


class V4Service:
    """`page_size` is how many rows of a collection one answer holds; the caller may turn it."""

    manner = Manner(
        version=("odata-version", "4.0"), batch_status=200, loose_changes=True, stops=True, alone=frozenset({"PATCH"})
    )

    def __init__(self, served: Served, book: Book, page_size: int) -> None:
        self._served, self._book, self.page_size = served, book, page_size

    def handle(self, request: Request, changes: Changes) -> Answer:
        """Answers one request, writing into `changes`; the caller commits them. Raises Refused."""
        changes.messages = []
        path = request.path.strip("/")
        if request.method in ("GET", "HEAD"):
            return self._read(request, changes, path)
        work = {"POST": self._insert, "PATCH": self._change, "DELETE": self._delete}.get(request.method)
        if work is None:
            raise errors.not_allowed(f"Method {request.method} is not allowed here")
        return work(request, changes, path)

    def explain(self, refusal: Refused, request: Request) -> Answer:  # noqa: ARG002 - V2 looks at what was accepted
        """V4 knows no XML but that of its metadata."""
        return Answer(errors.status(refusal), errors.body(refusal), {"content-type": f"application/json;{_MINIMAL}"})

    def _read(self, request: Request, changes: Changes, path: str) -> Answer:
        if path == "":
            return _answer(request, render.service(self._served.model))
        if path == "$metadata":
            return Answer(200, self._served.model.edmx, {"content-type": "application/xml"})
        bare = path.removesuffix("/$count")
        target = self._target(bare, changes)
        options = query.parse(self._served, target.entity, request.query)
        if bare != path:
            number = sum(options.matches(node.fields) for node in target.nodes())
            return Answer(200, str(number).encode(), {"content-type": "text/plain"})
        if target.node is not None:
            return self._one(request, changes, target.entity, target.node, options)
        if target.via is not None and not target.via[0].navigations[target.via[1]].many:
            return Answer(204)  # a navigation to one that leads to none
        return self._page(request, target, options, path)

    def _page(self, request: Request, target: Target, options: Options, path: str) -> Answer:
        texts = _texts(request)
        rows = options.sorted(target.entity, [node for node in target.nodes() if options.matches(node.fields)])
        asked, end = rows[options.skip :][: options.top], options.done + self.page_size
        found = [
            render.record(self._served.model, target.entity, node, options, texts=texts)
            for node in asked[options.done : end]
        ]
        following = _following(request, path, end) if len(asked) > end else ""
        count = len(rows) if options.count else None
        body = render.many(found, target.entity, options, path, texts=texts, count=count, following=following)
        return _answer(request, body)

    def _insert(self, request: Request, changes: Changes, path: str) -> Answer:
        target = self._target(path, changes)
        if target.node is not None:
            raise errors.not_allowed("Method POST is not allowed on a single entity")
        allowed = self._served.allowed
        if target.via is None:
            insertable = allowed[target.entity.name].insert
        else:
            insertable = target.via[1] in allowed[target.via[0].name].inserts
        if not insertable:
            raise errors.not_allowed(f"'{target.entity.name}' cannot be created here")
        body = bodies.payload(self._served, target.entity, request, creating=True)
        node = self._book.insert(changes, target.entity.name, target.via[2] if target.via else None, body)
        answer = self._one(request, changes, target.entity, node, query.EVERYTHING)
        answer.status = 201
        answer.headers["location"] = render.back(path) + addresses.address(target.entity, node)
        return answer

    def _change(self, request: Request, changes: Changes, path: str) -> Answer:
        target, allowed = self._changed(request, changes, path)
        if not allowed.update:
            raise errors.not_allowed(f"'{target.entity.name}' cannot be updated")
        self._check_version(target, request, allowed)
        body = bodies.payload(self._served, target.entity, request, creating=False)
        self._book.change(changes, target.entity.name, target.keys, body)
        changes.show_stamp()
        node = self._book.find(changes, target.entity.name, target.keys)
        options = query.parse(self._served, target.entity, request.query)
        if node is None or "return=minimal" in request.headers.get("prefer", ""):
            return _silent(changes, target.entity, node)
        return self._one(request, changes, target.entity, node, options)

    def _delete(self, request: Request, changes: Changes, path: str) -> Answer:
        target, allowed = self._changed(request, changes, path)
        if not allowed.delete:
            raise errors.not_allowed(f"'{target.entity.name}' cannot be deleted")
        self._check_version(target, request, allowed)
        self._book.delete(changes, target.entity.name, target.keys)
        return _silent(changes, target.entity, None)

    def _changed(self, request: Request, changes: Changes, path: str) -> tuple[Target, Allowed]:
        target = self._target(path, changes)
        if target.node is None:
            raise errors.not_allowed(f"Method {request.method} is not allowed on a collection")
        return target, self._served.allowed[target.entity.name]

    def _check_version(self, target: Target, request: Request, allowed: Allowed) -> None:
        """The version that counts may be that of another entity: an item has its order's, and shows none itself."""
        sent, node, entity = request.headers.get("if-match"), target.node, target.entity
        for step in allowed.version.split("/")[:-1]:
            reached = node.navigations[step]() if node is not None else None
            node = reached if isinstance(reached, Node) else None
            entity = self._served.model.entities[entity.navigations[step].target]
        if not allowed.version or node is None or sent == "*":
            return
        if sent is None:
            text = "Data service request is required to be conditional; try using If-Match"
            raise refused(428, "/IWBEP/CM_V4_RUNTIME/020", text)
        if sent != render.version(entity, node):
            text = "The state of the resource (entity) was already changed (If-Match)"
            raise refused(412, "/IWBEP/CM_V4_RUNTIME/021", text)

    def _target(self, path: str, changes: Changes) -> Target:
        return addresses.resolve(self._served.model, self._book, changes, path)

    def _one(self, request: Request, changes: Changes, entity: Entity, node: Node, options: Options) -> Answer:
        """One entity, and the warnings where it has room for them; else they go into a header."""
        texts = _texts(request)
        found = render.record(self._served.model, entity, node, options, texts=texts)
        answer = _answer(request, b"")
        if not render.said(found, errors.shown(changes.messages)):
            _warn(answer, changes)
        answer.body = render.one(found, entity, options, request.path.strip("/"), texts=texts)
        return _tagged(answer, entity, node)


def _silent(changes: Changes, entity: Entity, node: Node | None) -> Answer:
    answer = Answer(204)
    _warn(answer, changes)
    return answer if node is None else _tagged(answer, entity, node)


def _warn(answer: Answer, changes: Changes) -> None:
    if changes.messages:
        answer.headers["sap-messages"] = errors.as_header(changes.messages)


def _tagged(answer: Answer, entity: Entity, node: Node) -> Answer:
    tag = render.version(entity, node)
    if tag:
        answer.headers["etag"] = tag
    return answer


def _answer(request: Request, body: bytes) -> Answer:
    compatible = f"{_COMPATIBLE};" if _texts(request) else ""
    return Answer(200, body, {"content-type": f"application/json;{compatible}{_MINIMAL}"})


def _texts(request: Request) -> bool:
    """Whether decimals and counts are wanted as texts."""
    return _COMPATIBLE in request.headers.get("accept", "").lower().replace(" ", "")


def _following(request: Request, path: str, done: int) -> str:
    """Where the next page is, from this one: the very same request, and what has been shown."""
    options = {name: value for name, value in request.query.items() if name != "$skiptoken"}
    asked = urlencode(options | {"$skiptoken": done}, quote_via=quote, safe="$,()/;='")
    return f"{render.back(path)}{path}?{asked}"
