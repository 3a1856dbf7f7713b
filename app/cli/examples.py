"""Examples at the end of a --help: a comment and a command, each on a line of its own."""

from __future__ import annotations


def examples(**commands: str) -> str:
    """`examples(a_comment="ordergate …")`. The help renderer joins single lines, hence the empty ones between."""
    lines = ["Examples:"]
    for comment, command in commands.items():
        lines += [f"# {comment.replace('_', ' ')}", f"$ {command}"]
    return "\n\n".join(lines)
