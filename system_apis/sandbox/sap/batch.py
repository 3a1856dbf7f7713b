"""`$batch`: several requests in one multipart body; what stands in a changeset is done together or not at all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.wire import Answer, Request

Handle = Callable[[Request, Changes], Answer]
Explain = Callable[[Refused, Request], Answer]

_REFERENCE = re.compile(r"^\$(\w+)")
_CRLF = b"\r\n"


@dataclass(frozen=True)
class _Part:
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Batch:
    """`handle` does one request, `explain` turns a refusal into its answer, `begin` opens a unit of work."""

    handle: Handle
    explain: Explain
    begin: Callable[[], Changes]

    def run(self, outer: Request) -> Answer:
        answers = []
        for part in _parts(outer.headers.get("content-type", ""), outer.body):
            if part.headers.get("content-type", "").startswith("multipart/mixed"):
                answers.append(self._changeset(outer, part))
            else:
                answers.append(_http(self._single(outer, part), part))
        boundary = uuid.uuid4().hex.upper()
        return Answer(202, _joined(answers, boundary), {"content-type": f"multipart/mixed; boundary={boundary}"})

    def _single(self, outer: Request, part: _Part) -> Answer:
        request = _request(outer, part, {})
        try:
            if request.method not in ("GET", "HEAD"):
                raise refused(400, "/IWFND/CM_MGW/400", "A change must stand in a changeset")
            return self.handle(request, self.begin())
        except Refused as refusal:
            return self.explain(refusal, request)

    def _changeset(self, outer: Request, changeset: _Part) -> bytes:
        changes = self.begin()
        known: dict[str, str] = {}
        answers = []
        for part in _parts(changeset.headers["content-type"], changeset.body):
            request = _request(outer, part, known)
            try:
                answer = self.handle(request, changes)
                if changes.documents > 1:
                    text = "Operation not allowed due to changeset restrictions. Refer to API docu."
                    raise refused(400, "SLS_LORD/101", text)
            except Refused as refusal:
                return _http(self.explain(refusal, request), part)
            if "content-id" in part.headers:
                known[part.headers["content-id"]] = answer.headers.get("location", f"{request.root}/{request.path}")
            answers.append(_http(answer, part))
        changes.commit()
        boundary = uuid.uuid4().hex.upper()
        inner = _joined(answers, boundary)
        head = f"Content-Type: multipart/mixed; boundary={boundary}\r\nContent-Length: {len(inner)}\r\n\r\n"
        return head.encode() + inner


def _malformed() -> Refused:
    text = "The Data Services Request could not be understood due to malformed syntax"
    return refused(400, "/IWFND/CM_MGW/400", text)


def _parts(content_type: str, body: bytes) -> list[_Part]:
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    pieces = (_CRLF + body).split(b"\r\n--" + found.group(1).strip().encode()) if found else []
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - preamble, one part, epilogue
        raise _malformed()
    return [_split(piece.removeprefix(_CRLF)) for piece in pieces[1:-1]]


def _split(piece: bytes) -> _Part:
    """Headers and the rest. A block must be closed by an empty line: the CRLF before a boundary is the boundary's."""
    head, gap, rest = piece.partition(b"\r\n\r\n")
    if not gap:
        raise _malformed()
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n") if line)
    return _Part({name.strip().lower(): value.strip() for name, _, value in pairs}, rest)


def _request(outer: Request, part: _Part, known: dict[str, str]) -> Request:
    line, _, rest = part.body.partition(_CRLF)
    words = line.decode("latin-1").split(" ")
    if part.headers.get("content-type", "").partition(";")[0] != "application/http" or len(words) != 3:  # noqa: PLR2004
        raise _malformed()
    inner = _split(rest) if rest.strip(_CRLF) else _Part({}, b"")
    if _CRLF not in rest:
        raise _malformed()
    target = _REFERENCE.sub(lambda ref: known.get(ref.group(1), ref.group(0)), words[1])
    try:
        url = urlsplit(target)
    except ValueError:
        raise _malformed() from None
    root = urlsplit(outer.root).path
    path = url.path.removeprefix(root) if url.path.startswith("/") else url.path
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return replace(outer, method=words[0], path=unquote(path), query=query, headers=inner.headers, body=inner.body)


def _http(answer: Answer, part: _Part) -> bytes:
    """One answer as an application/http part, with the Content-ID that its request carried."""
    headers = answer.headers | {"content-length": str(len(answer.body)), "dataserviceversion": "2.0"}
    inner = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    inner += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    content = inner.encode("latin-1") + answer.body
    identity = f"content-id: {part.headers['content-id']}\r\n" if "content-id" in part.headers else ""
    head = f"Content-Type: application/http\r\nContent-Length: {len(content)}\r\n"
    head += f"content-transfer-encoding: binary\r\n{identity}\r\n"
    return head.encode() + content


def _joined(parts: list[bytes], boundary: str) -> bytes:
    return b"".join(b"--" + boundary.encode() + _CRLF + part + _CRLF for part in parts) + f"--{boundary}--\r\n".encode()
