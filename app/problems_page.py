"""The page at `/docs/problems`: where the `type` of a problem leads, one section per code."""

from __future__ import annotations

from html import escape

from app.explaining import REMEDIES
from app.problem_rows import Row
from app.problem_table import ROWS
from app.problems import UNFORESEEN

PATH = "/docs/problems"


def page() -> str:
    """HTML without scripts, so that the strictest content policy lets it through."""
    rows = {row.code: row for row in (*ROWS.values(), UNFORESEEN)}
    ordered = sorted(rows.values(), key=lambda row: (row.status, row.code))
    return _PAGE.format(sections="\n".join(map(_section, ordered)))


def _section(row: Row) -> str:
    """Where the detail depends on the occurrence, the problem itself says it."""
    detail = row.detail if isinstance(row.detail, str) else "The problem's <code>detail</code> says what was met."
    meant = escape(detail) if isinstance(row.detail, str) else detail
    helps = f"<p>{escape(REMEDIES[row.code])}" if row.code in REMEDIES else ""
    again = "<p>Waiting helps: <code>Retry-After</code> says how long." if row.retry_after else ""
    head = f'<section id="{row.code}"><h2><code>{row.code}</code> {row.status}</h2>'
    return f"{head}<p>{escape(row.title)}. {meant}{helps}{again}</section>"


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems of the Ordergate API</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:50rem;padding:0 1rem}}
:target{{border-left:.3rem solid;padding-left:1rem}}</style>
<h1>Problems</h1>
<p>Every refusal is a problem (RFC 9457) whose <code>type</code> leads here. Programs read <code>code</code>, people
<code>detail</code>; name <code>instance</code> when you ask us about one.</p>
{sections}</html>
"""
