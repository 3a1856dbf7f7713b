"""Turns: which execution of an operation may act, and how one that may not any more ends."""

from __future__ import annotations

from dataclasses import dataclass


class Superseded(Exception):
    """This execution has nothing more to do for the operation: it was stopped, or another execution acts for it now.

    Raised in a step, it ends the run and leaves no trace in the engine: a trace would be read by the other execution.
    """


@dataclass(frozen=True, slots=True)
class Turn:
    """One execution of one run of an operation.

    `run` is raised by whoever has the operation run anew. `token` is that of no other execution, in this process or in
    another; the operation's row holds the one that counts. `again`: this run was begun before, by an execution that
    may have left behind more than the engine knows.
    """

    run: int
    token: str
    again: bool


def engine_id(operation_id: str, run: int = 1) -> str:
    """How the engine knows a run of an operation."""
    return operation_id if run == 1 else f"{operation_id}.{run}"
