#!/usr/bin/env bash
# pytest-xdist 3.8.0, the newest, with pytest 9.2.0. Seen on 2026-11-28, Python 3.11.
#
# Guess before running: with `--dist loadgroup` all tests that have the same `xdist_group` run in one worker, as the
# documentation says; were the two releases not made for each other, something would say so.
# Seen: the marks are ignored and nothing is said. The tests of a group run in both workers, so that what they share
# (a server, a module's fixture) is made twice, and tests that rely on one process's state fail now and then. xdist
# appends the group to an item's `_nodeid`; since 9.2 pytest makes `nodeid` of another attribute. With pytest 9.1.1 the
# group stays together. `--dist loadfile` keeps to its promise with both.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tests"
cat >"$work/tests/test_group.py" <<'PYTHON'
import os, pathlib, time
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(8))
def test_in_one_worker(number):
    time.sleep(0.2)
    with pathlib.Path("workers.txt").open("a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
PYTHON

workers() { # pytest's version, how the tests are shared out
    rm -f "$work/tests/workers.txt"
    (cd "$work/tests" && "$work/$1/bin/python" -m pytest -q -n 2 --dist "$2" >"$work/output") || { cat "$work/output"; exit 1; }
    sort -u "$work/tests/workers.txt" | wc -l
}

for version in 9.1.1 9.2.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --disable-pip-version-check pytest==$version pytest-xdist==3.8.0
    for how in loadgroup loadfile; do
        workers $version $how >"$work/$version-$how"
        echo "pytest $version, --dist $how: $(cat "$work/$version-$how") workers ran the tests of one group"
    done
done

changed() { echo "No longer as seen on 2026-11-28: $1" >&2; exit 1; }
[ "$(cat "$work/9.1.1-loadgroup")" = 1 ] || changed "pytest 9.1.1 spreads a group"
[ "$(cat "$work/9.2.0-loadgroup")" = 2 ] || changed "pytest 9.2.0 keeps a group together"
[ "$(cat "$work/9.2.0-loadfile")" = 1 ] || changed "pytest 9.2.0 spreads a file"
echo "As seen on 2026-11-28."
