"""What an operator's act does to the rows, apart from who does it and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit import Touched
from process_apis.exception_rows import Ending

Write = Callable[[AsyncConnection, datetime], Awaitable[bool]]
Told = Callable[[AsyncConnection, datetime, Ending], Awaitable[Touched]]


@dataclass(frozen=True, slots=True)
class Deed:
    """`write` changes the rows, or says that somebody was faster; `told` ends and tells what follows from it, and says
    what the audit is to know. `starts` is the workflow, the id and the run that begin afterwards."""

    write: Write
    told: Told
    starts: tuple[str, str, int] | None = None
