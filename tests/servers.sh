#!/bin/sh
# Finds the servers that tests start by themselves; installs what is missing where that can be done without asking.
set -eu
missing=
have() { command -v "$1" >/dev/null || { [ "$1" = initdb ] && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }; }
need() { have "$1" || missing="$missing $2"; }
need initdb postgresql
need redis-server redis-server
need promtool prometheus
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing for the tests:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086  several words are meant
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing </dev/null >/dev/null
    exit 0
fi
echo "the tests start servers of their own, and these are not on this machine:$missing" >&2
echo "  Debian, Ubuntu:  sudo apt-get install$missing" >&2
echo "  macOS:           brew install$(echo "$missing" | sed 's/redis-server/redis/')" >&2
exit 1
