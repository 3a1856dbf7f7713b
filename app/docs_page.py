"""The page at `/docs`: what there is to call, and what each refusal means. Nothing on it comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from app import problems_page
from app.problem_rows import Row
from app.problem_table import ROWS
from app.problems import UNFORESEEN
from app.route import Route


def page(document_path: str, metadata_path: str, routes: Sequence[Route]) -> str:
    """HTML without scripts, so that the strictest content policy lets it through."""
    rows = {row.code: row for row in (*ROWS.values(), UNFORESEEN)}
    return _PAGE.format(
        document=document_path,
        metadata=metadata_path,
        calls=_calls(routes),
        problems=_problems(sorted(rows.values(), key=lambda row: (row.status, row.code))),
    )


def _calls(routes: Iterable[Route]) -> str:
    return "\n".join(
        f"<tr><td><code>{route.method} {escape(route.path)}</code><td>{escape(route.summary)}"
        f"<td><code>{route.sheet.scope}</code>"
        for route in routes
    )


def _problems(rows: Iterable[Row]) -> str:
    """Where the detail depends on the occurrence, the title has to do."""
    return "\n".join(
        f'<tr id="{row.code}"><td>{row.status}<td><a href="{problems_page.PATH}#{row.code}"><code>{row.code}</code></a>'
        f"<td>{escape(row.title)}<td>{escape(row.detail) if isinstance(row.detail, str) else ''}"
        for row in rows
    )


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Ordergate API</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:75rem;padding:0 1rem}}
td,th{{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}}</style>
<h1>Ordergate API</h1>
<p>The contract is an OpenAPI 3.1 document: <a href="{document}">{document}</a>. Generate a client from it, or read it
with any viewer. Calls carry an OAuth 2.0 access token as <code>Authorization: Bearer</code>; who issues it:
<a href="{metadata}">the resource metadata</a>.</p>
<h2>Calls</h2>
<table><tr><th>call<th>what it is for<th>scope
{calls}</table>
<h2>Problems</h2>
<p>Every refusal is a problem (RFC 9457). Programs read <code>code</code>, people <code>detail</code>; name
<code>instance</code> when you ask us about one.</p>
<table><tr><th>status<th>code<th>title<th>detail
{problems}</table></html>
"""
