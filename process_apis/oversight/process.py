"""Why was it refused, and who still calls what: read from what the policies noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from policies.explain import Explanations
from policies.usage import Usage
from policies.versioning import Endings, major_of
from process_apis.caller import Caller
from process_apis.errors import NoSuchThing
from process_apis.oversight.models import RefusalExplained, VersionUse, VersionUses


async def explain_refusal(
    _caller: Caller, _request: None, *, problem_instance: str, explanations: Explanations
) -> RefusalExplained:
    """Why the call with this `instance` was refused, if it was this process that refused it and still remembers."""
    found = explanations.find(f"urn:uuid:{problem_instance.lower().removeprefix('urn:uuid:')}")
    if found is None:
        raise NoSuchThing("explanation", problem_instance)
    return RefusalExplained(**msgspec.structs.asdict(found), process=explanations.process)


async def list_version_uses(
    _caller: Caller, _request: None, *, usage: Usage, endings: Endings, days: int = 30
) -> VersionUses:
    """Which client calls what, and until when that is served."""
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    await usage.write()  # what this process counted since the last minute belongs in the answer
    uses = []
    for client_id, operation, calls, last_at in await usage.since(since):
        ending = endings.get(operation)
        uses.append(
            VersionUse(
                client_id=client_id,
                operation=operation,
                version=major_of(operation.partition(" ")[2]),
                calls=calls,
                last_at=last_at,
                deprecated_at=ending.deprecated_at if ending else None,
                sunset_at=ending.sunset_at if ending else None,
                successor=ending.successor if ending else None,
            )
        )
    return VersionUses(since.isoformat(), tuple(uses))
