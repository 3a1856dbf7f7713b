"""`ordergate demo`: the main job from start to end, every claim checked in the neighbours themselves."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rich_click as click

from app.cli.examples import examples

_INTERRUPTED = 130


@click.command(
    epilog=examples(
        exit_code_0_if_all_of_it_is_true="ordergate demo",
        against_a_sandbox_that_runs_already_with_its_faults="ordergate demo --sandbox world.json",
    )
)
@click.option(
    "--sandbox",
    "announced",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="Use the running sandbox announced in this file (`ordergate sandbox --announce FILE`).",
)
@click.option(
    "--logs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/demo"),
    show_default=True,
    help="Where the children write their logs.",
)
def demo(announced: Path | None, logs: Path) -> None:
    """Start sandbox and gateway, promise, convert, change and refuse; check every claim; stop both.

    What the gateway says is never believed: SAP, Salesforce and the scheduler are asked themselves.
    """
    import httpx  # noqa: PLC0415  not to be loaded for --help

    from app.cli.demo.narrate import ClaimFalse, Narrator  # noqa: PLC0415  likewise
    from app.cli.demo.stage import on_stage  # noqa: PLC0415  likewise
    from app.cli.demo.story import tell  # noqa: PLC0415  likewise
    from app.cli.pair import NotAnnounced  # noqa: PLC0415  likewise
    from app.cli.processes import ChildFailed, ended_by_signals  # noqa: PLC0415  likewise

    narrator = Narrator()
    try:
        with ended_by_signals(), on_stage(narrator, announced, logs) as stage:
            tell(stage)
    except KeyboardInterrupt:
        narrator.ended("interrupted; everything that was started is stopped", well=False)
        sys.exit(_INTERRUPTED)
    except ClaimFalse as failure:
        narrator.ended(f"not true: {failure.claim}; the logs are in {logs}", well=False)
        sys.exit(1)
    except (ChildFailed, NotAnnounced) as failure:
        narrator.ended(str(failure), well=False)
        sys.exit(1)
    except httpx.TransportError as silence:
        narrator.ended(f"{silence.request.url} does not answer ({silence}); the logs are in {logs}", well=False)
        sys.exit(1)
    took = time.monotonic() - narrator.started
    narrator.ended(
        f"{narrator.claims} claims, all true, in {took:.1f} s; everything that was started is stopped", well=True
    )
