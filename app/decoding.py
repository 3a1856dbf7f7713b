"""A body becomes a request, or a fault with a pointer. Decoded once, by a decoder made once per type."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl, quote

import msgspec

from app.errors import BodyMalformed, EncodingUnsupported, MediaTypeUnsupported, ParameterMalformed
from process_apis.errors import Fault

Shape = TypeVar("Shape")

LONGEST_NAME = 128
"""No member of ours is longer. What a caller sends is repeated to it up to here."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_MEMBER = re.compile(r"(?P<kind>missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")

_SENTENCES = (
    (re.compile(r"^Expected `str` matching regex .*"), "the text does not have the form that the document gives"),
    (re.compile(r"^Expected `array` of length >= (\d+)$"), r"at least \1 are needed"),
    (re.compile(r"^Expected `array` of length <= (\d+)$"), r"at most \1 are allowed"),
    (re.compile(r"^Expected `str` of length >= (\d+)$"), r"at least \1 characters are needed"),
    (re.compile(r"^Expected `str` of length <= (\d+)$"), r"at most \1 characters are allowed"),
    (re.compile(r"^Expected `([^`]*)`, got `([^`]*)`$"), r"\1 is expected, not \2"),
    (re.compile(r"^Expected `([^`]*)`( .*)?$"), r"\1\2 is expected"),
    (re.compile(r"^Invalid enum value .*"), "the value is not one of those that the document lists"),
    (re.compile(r"^Invalid value .*"), "the value is not one of those that the document lists"),
)


def check_media_type(content_type: str, content_encoding: str) -> None:
    """A body is JSON, in UTF-8, as it is (415 otherwise)."""
    kind, _, parameters = content_type.partition(";")
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", parameters, re.IGNORECASE)
    if kind.strip().lower() != "application/json" or (charset and charset[1].lower() not in ("utf-8", "utf8")):
        raise MediaTypeUnsupported(content_type)
    if content_encoding.strip().lower() not in ("", "identity"):
        raise EncodingUnsupported(content_encoding)


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def decode(body: bytes, shape: type[Shape], *, strictly_once: bool = False) -> Shape:
    """The request in a body. `strictly_once` refuses a member given twice too: a second look that costs about five
    times the decoding, so it is taken where a wrong reading would change something."""
    if not body.strip():
        _refuse("#", "a JSON object is expected, the body is empty", "body-missing")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as wrong:
        _refuse("#", f"the text is not UTF-8 (byte {wrong.start})", "not-utf-8")
    try:
        request: Shape = _decoder(cast("Hashable", shape)).decode(body)
    except msgspec.ValidationError as wrong:
        raise BodyMalformed(fault_of(str(wrong))) from None
    except msgspec.DecodeError as wrong:
        _refuse("#", _first_down(str(wrong)), "not-json")
    except RecursionError:
        _refuse("#", "the nesting is deeper than anything of ours", "too-deep")
    if strictly_once:
        _refuse_repeated_members(body)
    return request


def decode_query(raw: bytes, shape: type[Shape]) -> Shape:
    """The query of an address as a struct: unknown, repeated and unreadable parameters are refused."""
    given: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        if name in given:
            raise ParameterMalformed("query", name, "it is there twice")
        given[name] = value
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as wrong:
        fault = fault_of(str(wrong))
        raise ParameterMalformed("query", fault.pointer.removeprefix("#/"), fault.detail) from None


def fault_of(message: str) -> Fault:
    """What msgspec says, as a fault: its path as JSON Pointer, its words without its own types' names."""
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    steps = ["-" if step["index"] == "..." else step["name"] or step["index"] for step in _STEP.finditer(path)]
    if member := _MEMBER.search(what):
        if len(member["name"]) > LONGEST_NAME:  # or a refusal would be several times as long as the body
            return Fault(_pointer(steps), "a member with a very long name is not known here", "member-unknown")
        missing = member["kind"].startswith("missing")
        detail = "this member is missing" if missing else "this member is not known here"
        return Fault(_pointer([*steps, member["name"]]), detail, "member-missing" if missing else "member-unknown")
    for pattern, sentence in _SENTENCES:
        if pattern.match(what):
            return Fault(_pointer(steps), pattern.sub(sentence, what), "value-malformed")
    return Fault(_pointer(steps), _first_down(what).replace("`", ""), "value-malformed")


def _pointer(steps: list[str]) -> str:
    """RFC 6901 §6: escaped, then percent-encoded, because it stands in a URI fragment."""
    return "#" + "".join("/" + quote(step.replace("~", "~0").replace("/", "~1"), safe="~") for step in steps)


def _refuse(pointer: str, detail: str, code: str) -> NoReturn:
    raise BodyMalformed(Fault(pointer, detail, code)) from None


def _first_down(sentence: str) -> str:
    return sentence if sentence[:2].isupper() else sentence[:1].lower() + sentence[1:]


class _Repeated(str):
    """Stands where an object had this member twice."""


def _refuse_repeated_members(body: bytes) -> None:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeated:
        once = dict(pairs)
        if len(once) == len(pairs):
            return once
        names = [name for name, _ in pairs]
        return _Repeated(next(name for name in names if names.count(name) > 1))

    for steps in _repeated(json.loads(body, object_pairs_hook=members), []):
        _refuse(_pointer(steps), "this member is there twice", "member-repeated")


def _repeated(value: Any, at: list[str]) -> Iterator[list[str]]:
    if isinstance(value, _Repeated):
        yield [*at, str(value)]
    elif isinstance(value, dict | list):
        for step, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _repeated(each, [*at, str(step)])
