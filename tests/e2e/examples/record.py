"""Writes the examples of the documents anew: `python -m tests.e2e.examples.record`, then `ordergate openapi`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from app.cli.pair import running_pair
from app.contract_examples import FOLDER
from tests.e2e.examples.journey import travelled


def main() -> None:
    with tempfile.TemporaryDirectory() as logs, running_pair(Path(logs), free_ports=True) as (sandbox, gateway):
        book = travelled(sandbox, gateway)
    FOLDER.mkdir(exist_ok=True)
    for operation_id, page in book.pages.items():
        written = json.dumps(page, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{operation_id}.json").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
