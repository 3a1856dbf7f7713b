"""The story, chapter by chapter."""

from __future__ import annotations

from app.cli.demo.changing import change
from app.cli.demo.converting import convert, repeat
from app.cli.demo.promising import promise, question
from app.cli.demo.refusing import refuse
from app.cli.demo.stage import Stage

DEALER = "dealer-north"


def tell(stage: Stage) -> None:
    """Raises ClaimFalse at the first sentence that is not so."""
    chapter = stage.narrator.chapter
    with chapter(f"A token for {DEALER}, by client credentials"):
        token = stage.token_of(DEALER)
        stage.narrator.say(f"POST {stage.sandbox.issuer}/token → an RFC 9068 access token of {len(token)} characters")
    with chapter("What can be promised?"):
        promised = promise(stage, token)
    with chapter("The quote becomes an order"):
        made = convert(stage, token, promised)
    with chapter("The same call again"):
        repeat(stage, token, made)
    with chapter("The customer wants more, and earlier"):
        change(stage, token, made)
    with chapter("What does not get through"):
        refuse(stage, token, question(stage.today))
