"""`$batch`: several requests in one multipart body; what stands in a changeset is done together or not at all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Refused, refused
from system_apis.sandbox.sap.manner import Spoken
from system_apis.sandbox.sap.wire import Answer, Request

_REFERENCE = re.compile(r"^\$(\w+)")
_CRLF = b"\r\n"


@dataclass(frozen=True)
class _Part:
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Batch:
    """`begin` opens a unit of work: one for each changeset, one for each request that stands alone."""

    service: Spoken
    begin: Callable[[], Changes]

    def run(self, outer: Request) -> Answer:
        answers = list(self._answered(outer, _parts(outer.headers.get("content-type", ""), outer.body)))
        boundary = uuid.uuid4().hex.upper()
        kind = {"content-type": f"multipart/mixed; boundary={boundary}"}
        return Answer(self.service.manner.batch_status, _joined(answers, boundary), kind)

    def _answered(self, outer: Request, parts: list[_Part]) -> Iterator[bytes]:
        goes_on = not self.service.manner.stops or "continue-on-error" in outer.headers.get("prefer", "")
        for part in parts:
            if part.headers.get("content-type", "").startswith("multipart/mixed"):
                done, failed = self._changeset(outer, part)
            else:
                answer = self._single(outer, part)
                done, failed = self._http(answer, part), answer.status >= HTTPStatus.BAD_REQUEST
            yield done
            if failed and not goes_on:
                return

    def _single(self, outer: Request, part: _Part) -> Answer:
        request = _request(outer, part, {})
        try:
            reads = request.method in ("GET", "HEAD")
            if not reads and not self.service.manner.loose_changes:
                raise refused(400, "/IWFND/CM_MGW/400", "A change must stand in a changeset")
            changes = self.begin()
            answer = self.service.handle(request, changes)
            changes.commit()
        except Refused as refusal:
            answer = self.service.explain(refusal, request)
        return answer

    def _changeset(self, outer: Request, changeset: _Part) -> tuple[bytes, bool]:
        """The answer to all that stands in it, and whether it failed: then that is one answer and no multipart."""
        changes = self.begin()
        known: dict[str, str] = {}
        answers = []
        parts = _parts(changeset.headers["content-type"], changeset.body)
        for part in parts:
            request = _request(outer, part, known)
            try:
                if request.method in self.service.manner.alone and len(parts) > 1:
                    raise _restricted()
                answer = self.service.handle(request, changes)
                if changes.documents > 1:
                    raise _restricted()
            except Refused as refusal:
                return self._http(self.service.explain(refusal, request), part), True
            if "content-id" in part.headers:
                here = f"{request.root}/{request.path}"
                known[part.headers["content-id"]] = urljoin(here, answer.headers.get("location", here))
            answers.append(self._http(answer, part))
        changes.commit()
        boundary = uuid.uuid4().hex.upper()
        inner = _joined(answers, boundary)
        head = f"Content-Type: multipart/mixed; boundary={boundary}\r\nContent-Length: {len(inner)}\r\n\r\n"
        return head.encode() + inner, False

    def _http(self, answer: Answer, part: _Part) -> bytes:
        """One answer as an application/http part, with the Content-ID that its request carried."""
        headers = answer.headers | {"content-length": str(len(answer.body))} | dict([self.service.manner.version])
        inner = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        inner += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
        content = inner.encode("latin-1") + answer.body
        identity = f"content-id: {part.headers['content-id']}\r\n" if "content-id" in part.headers else ""
        head = f"Content-Type: application/http\r\nContent-Length: {len(content)}\r\n"
        head += f"content-transfer-encoding: binary\r\n{identity}\r\n"
        return head.encode() + content


def _restricted() -> Refused:
    return refused(400, "SLS_LORD/101", "Operation not allowed due to changeset restrictions. Refer to API docu.")


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


def _joined(parts: list[bytes], boundary: str) -> bytes:
    return b"".join(b"--" + boundary.encode() + _CRLF + part + _CRLF for part in parts) + f"--{boundary}--\r\n".encode()
