"""Records written together or not at all: by composite, or by graph where there are more than a composite holds.

Each record is named by its id or by a unique external id, so that the same transaction may be written any number of
times: after a lock, after an answer that was lost, after a restart.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.errors import ObjectLocked, UpstreamError
from system_apis.ownership import guard
from system_apis.salesforce import owners, refusals, wire
from system_apis.salesforce.rest import Org

MOST_IN_A_COMPOSITE = 25
MOST_IN_A_GRAPH = 500
MOST_WAITS = 5
"""Salesforce itself waits some ten seconds for a lock before it gives up: more tries than these outlast a deadline."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_COMPOSITE = msgspec.json.Decoder(wire.CompositeAnswer)
_GRAPHS = msgspec.json.Decoder(wire.GraphAnswer)


class Node(Struct, frozen=True):
    """A record to write. With `key`, a unique external id, `name` is its value and the record is made if there is
    none; without, `name` is the record's id. A `spare` record may be refused without the others falling with it."""

    entity: str
    name: str
    fields: dict[str, Any]
    key: str | None = None
    spare: bool = False

    @property
    def resource(self) -> str:
        named = f"{self.key}/{quote(self.name, safe='')}" if self.key else self.name
        return f"sobjects/{self.entity}/{named}"


class Failed(NamedTuple):
    """The record that failed by itself, not those that were rolled back with it."""

    node: Node
    said: tuple[wire.Complaint, ...]
    trouble: UpstreamError


async def commit(org: Org, nodes: Sequence[Node], errand: Errand, deadline: Deadline) -> None:
    """Write the records. More than a graph holds go in several, in their order: put what the others lean on last.

    A refused spare record is told by its failure after all others are written.
    """
    for node in nodes:
        guard(errand, owners.WORDS, node.entity, node.fields)
    refused: UpstreamError | None = None
    for first in range(0, len(nodes), MOST_IN_A_GRAPH):
        part = nodes[first : first + MOST_IN_A_GRAPH]
        refused = await _together(org, part, errand, deadline) or refused
    if refused is not None:
        raise refused


async def _together(org: Org, nodes: Sequence[Node], errand: Errand, deadline: Deadline) -> UpstreamError | None:
    """One transaction, repeated while nothing came of it: a lock, or a record that was made in the meantime."""
    left = list(nodes)
    waits = 0
    refused: UpstreamError | None = None
    while left:
        failed = await _attempt(org, left, errand, deadline)
        if failed is None:
            break
        if failed.node.key and refusals.repeats_a_key(failed.said, failed.node.key):
            # Made by an earlier attempt of ours, between the org's look and its insert, or where we can't see it.
            left.remove(failed.node)
        elif isinstance(failed.trouble, ObjectLocked):
            await _pause(waits, failed.trouble, deadline)
            waits += 1
        elif failed.node.spare and not failed.trouble.safe_to_repeat:
            refused = failed.trouble
            left = [node for node in left if not node.spare]
        else:
            raise failed.trouble
    return refused


async def _pause(waits: int, locked: ObjectLocked, deadline: Deadline) -> None:
    """Full jitter, so that those who met at one record do not meet there again."""
    pause_s = random.uniform(0, min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**waits))  # noqa: S311 - guards no secret
    if waits >= MOST_WAITS or pause_s >= deadline.remaining_s:
        raise locked
    await asyncio.sleep(pause_s)


async def _attempt(org: Org, nodes: Sequence[Node], errand: Errand, deadline: Deadline) -> Failed | None:
    """One call. Its answer is 200 also where all of it was rolled back."""
    requests = [
        {"method": "PATCH", "url": org.url_of(node.resource), "referenceId": f"record{place}", "body": node.fields}
        for place, node in enumerate(nodes)
    ]
    if len(nodes) <= MOST_IN_A_COMPOSITE:
        body = {"allOrNone": True, "compositeRequest": requests}
        answer = await org.post("composite", body, errand, deadline)
        answers = decoded(_COMPOSITE, answer.content, errand).answers
    else:
        body = {"graphs": [{"graphId": "outcome", "compositeRequest": requests}]}
        answer = await org.post("composite/graph", body, errand, deadline)
        answers = tuple(
            one for graph in decoded(_GRAPHS, answer.content, errand).graphs for one in graph.answer.answers
        )
    return _failed(nodes, answers, errand)


def _failed(nodes: Sequence[Node], answers: tuple[wire.SubAnswer, ...], errand: Errand) -> Failed | None:
    by_reference = {one.reference: one for one in answers}
    failures: list[Failed] = []
    for place, node in enumerate(nodes):
        answer = by_reference.get(f"record{place}")
        if answer is None:
            raise errand.unreadable("the answer has not one part per record")
        if not httpx.codes.is_success(answer.status):
            said = refusals.complaints(answer.body)
            trouble = refusals.failure(answer.status, said, errand, undone=True)
            failures.append(Failed(node, said, trouble))
    guilty = (one for one in failures if not refusals.is_echo(one.said))
    return next(guilty, failures[0] if failures else None)
