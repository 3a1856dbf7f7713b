"""For machines without curl: the options that the README uses (-s -u -d -H), and nothing else."""

from __future__ import annotations

import argparse
import sys

import httpx


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-u", dest="user")
    parser.add_argument("-d", dest="data", required=True)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    given = parser.parse_args()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    headers |= dict(header.split(": ", 1) for header in given.headers)
    user = tuple(given.user.split(":", 1)) if given.user else None
    answer = httpx.post(given.url, content=given.data, headers=headers, auth=user, timeout=60, trust_env=False)
    sys.stdout.write(answer.text)


main()
