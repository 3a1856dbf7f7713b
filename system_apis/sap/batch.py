"""`$batch` of OData version 2: one changeset or many reads out, their answers back (multipart/mixed, RFC 2046).

SAP Gateway is strict: CRLF everywhere, and a part without a body still needs the empty line that ends its headers *and*
the line break that belongs to the boundary, or the whole batch is "malformed syntax".
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

CRLF = b"\r\n"
_MOST_HEADERS = 100
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?\Z")
_BOUNDARY = re.compile(r';\s*boundary="?([^";]+)"?', re.IGNORECASE)


class BatchUnreadable(ValueError):
    """The answer is not the multipart that the protocol says."""


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch. `path` is relative to the service root and escaped; `body` is JSON or empty."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartAnswer:
    status: int
    headers: dict[str, str]
    body: bytes


def changeset(parts: tuple[Part, ...]) -> tuple[str, bytes]:
    """The content type and the body of a batch with one changeset: all of it happens or none of it."""
    outer, inner = f"batch_{secrets.token_hex(12)}", f"changeset_{secrets.token_hex(12)}"
    written = [_boundary(outer), b"Content-Type: multipart/mixed; boundary=" + inner.encode() + CRLF, CRLF]
    for number, part in enumerate(parts, start=1):
        written += [_boundary(inner), _part(part, number), CRLF]
    written += [_boundary(inner, last=True), CRLF, _boundary(outer, last=True)]
    return f"multipart/mixed; boundary={outer}", b"".join(written)


def reads(parts: tuple[Part, ...]) -> tuple[str, bytes]:
    """The content type and the body of a batch of reads: each is answered for itself, whatever becomes of the others.
    They stand beside each other, outside any changeset, because a changeset holds writes only."""
    outer = f"batch_{secrets.token_hex(12)}"
    written = [piece for number, part in enumerate(parts, 1) for piece in (_boundary(outer), _part(part, number), CRLF)]
    return f"multipart/mixed; boundary={outer}", b"".join([*written, _boundary(outer, last=True)])


def _boundary(name: str, *, last: bool = False) -> bytes:
    return b"--" + name.encode() + (b"--" if last else b"") + CRLF


def _part(part: Part, number: int) -> bytes:
    envelope = {
        "Content-Type": "application/http",
        "Content-Transfer-Encoding": "binary",
        "Content-ID": str(number),
    }
    headers = {"Accept": "application/json", **part.headers}
    if part.body:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(part.body))}
    request_line = f"{part.method} {part.path} HTTP/1.1".encode("ascii") + CRLF
    return _headers(envelope) + CRLF + request_line + _headers(headers) + CRLF + part.body


def _headers(headers: dict[str, str]) -> bytes:
    for name, value in headers.items():
        if "\r" in value or "\n" in value:
            raise ValueError(f"the header {name} holds a line break")
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items())


def answers(content_type: str, body: bytes) -> tuple[PartAnswer, ...]:
    """Every part in order. A changeset that failed is a single part with the error, not a multipart of its own."""
    found: list[PartAnswer] = []
    for headers, content in _parts(content_type, body):
        kind = headers.get("content-type", "")
        if kind.lower().startswith("multipart/mixed"):
            found += [_http(inner) for _, inner in _parts(kind, content)]
        else:
            found.append(_http(content))
    return tuple(found)


def _parts(content_type: str, body: bytes) -> list[tuple[dict[str, str], bytes]]:
    named = _BOUNDARY.search(content_type)
    if named is None:
        raise BatchUnreadable("no boundary")
    mark = re.escape(b"--" + named[1].strip().encode("latin-1", "replace"))
    # A boundary stands at the start of a line; the line break before it belongs to it, not to the part.
    pieces = re.split(rb"(?:\A|\r?\n)" + mark + rb"(--)?[ \t]*(?:\r?\n|\Z)", body)
    chunks, closes = pieces[2::2], pieces[1::2]
    if not closes or closes[-1] is None:
        raise BatchUnreadable("the last boundary is missing")
    return [_head_and_content(chunk) for chunk in chunks[: len(closes) - 1]]


def _http(content: bytes) -> PartAnswer:
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    matched = _STATUS_LINE.match(line.rstrip(b"\r"))
    if matched is None:
        raise BatchUnreadable("a part without a status line")
    headers, body = _head_and_content(rest)
    return PartAnswer(int(matched[1]), headers, body)


def _head_and_content(chunk: bytes) -> tuple[dict[str, str], bytes]:
    """Headers with lower-case names, and what comes after the empty line (nothing, if there is none)."""
    headers: dict[str, str] = {}
    rest, lines = chunk, 0
    while rest:
        line, _, rest = rest.partition(b"\n")
        line = line.rstrip(b"\r")
        if not line:
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BatchUnreadable("a header line without a colon")
        headers[name.strip().lower()] = value.strip()
        lines += 1
        if lines > _MOST_HEADERS:
            raise BatchUnreadable("a part of headers only")
    return headers, rest
