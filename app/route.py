"""What a route is: an address, the process behind it, what it asks (its sheet), what it takes and how it answers."""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from policies.sheet import Sheet

Process = Callable[..., Awaitable[Any]]
Method = Literal["GET", "POST"]
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """`answers` is the status of an answer, or a choice by what the process returned among `statuses`.

    `refuses` are the errors of the process itself; those of the sheet and of decoding go without saying. `monitor` is
    the process that reads what a 202 was about, with the name under which it takes the id.
    """

    method: Method
    path: str
    process: Process
    sheet: Sheet
    takes: type[msgspec.Struct] | None
    body_optional: bool
    query: type[msgspec.Struct] | None
    answers: int | Callable[[Any], int]
    statuses: tuple[int, ...]
    operation_id: str
    summary: str
    description: str
    tag: str
    refuses: tuple[type[BaseException], ...]
    monitor: tuple[str, Process] | None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path, as the document has them: `quoteId`."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def returns(self) -> tuple[type[Any], ...]:
        """What the process may answer with, from its own annotation: a client's disclosure decides among them."""
        answer = typing.get_type_hints(self.process)["return"]
        return typing.get_args(answer) if isinstance(answer, types.UnionType) else (answer,)

    def status_of(self, view: Any) -> int:
        return self.answers if isinstance(self.answers, int) else self.answers(view)

    def parameters_in(self, path: str) -> dict[str, str]:
        """The values of the parameters in a path that matches."""
        found = _pattern(self.path).fullmatch(path.rstrip("/"))
        return dict(zip(self.parameters, found.groups(), strict=True)) if found else {}

    def matches(self, path: str) -> bool:
        return _pattern(self.path).fullmatch(path.rstrip("/") or "/") is not None


def route(
    method: Method,
    path: str,
    process: Process,
    sheet: Sheet,
    *,
    operation_id: str,
    summary: str,
    tag: str,
    takes: type[msgspec.Struct] | None = None,
    body_optional: bool = False,
    query: type[msgspec.Struct] | None = None,
    answers: int | Callable[[Any], int] = 200,
    statuses: tuple[int, ...] = (),
    refuses: tuple[type[BaseException], ...] = (),
    monitor: tuple[str, Process] | None = None,
    description: str = "",
) -> Route:
    """One line of the public face. The description defaults to what the process says of itself."""
    told = description or inspect.getdoc(process) or summary
    several = statuses or ((answers,) if isinstance(answers, int) else ())
    return Route(
        method=method,
        path=path,
        process=process,
        sheet=sheet,
        takes=takes,
        body_optional=body_optional,
        query=query,
        answers=answers,
        statuses=several,
        operation_id=operation_id,
        summary=summary,
        description=told,
        tag=tag,
        refuses=refuses,
        monitor=monitor,
    )


def bound(process: Process, parts: Mapping[str, Any]) -> Process:
    """The process with those of the parts that it names as keyword-only parameters."""
    wanted = inspect.signature(process).parameters.values()
    return functools.partial(
        process,
        **{each.name: parts[each.name] for each in wanted if each.kind is each.KEYWORD_ONLY and each.name in parts},
    )


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = _PARAMETER.split(template)
    return re.compile("".join("([^/]+)" if n % 2 else re.escape(part) for n, part in enumerate(parts)))


def snake(name: str) -> str:
    """`quoteId` as the processes write it: `quote_id`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
