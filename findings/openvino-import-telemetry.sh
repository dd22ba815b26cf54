#!/usr/bin/env bash
# openvino 2026.4.1 with openvino-telemetry 2025.2.0, which it depends on. Seen on 2026-11-28, Python 3.11, Linux.
#
# Guess before running: an inference runtime that is only imported writes nothing and sends nothing; telemetry, if
# there is any, is the model converter's, and asks first.
# Seen: `import openvino` alone writes an identifier to ~/intel/openvino_ga_cid and posts an "import" event to Google
# Analytics, with no dialog, from a process that it forks in a thread. Where the variable CI is set it does neither.
#
# What it would post is caught in this process; nothing leaves the machine.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check openvino==2026.4.1 openvino-telemetry==2025.2.0

cat >"$work/import_it.py" <<'PYTHON'
import multiprocessing
import urllib.request

class InThisProcess:
    """In place of multiprocessing.Process."""
    def __init__(self, target, args):
        self.run = lambda: target(*args)
    def start(self):
        self.run()
    def join(self, timeout):
        pass
    def is_alive(self):
        return False

def catch(request):
    print("posted to", request.host, request.data.decode(), flush=True)

multiprocessing.Process, urllib.request.urlopen = InThisProcess, catch
import openvino
PYTHON

for ci in "" true; do
    home=$work/home${ci:+-in-ci}
    mkdir "$home"
    env -u CI ${ci:+CI="$ci"} HOME="$home" "$work/env/bin/python" "$work/import_it.py" >"$home.txt"
    echo "CI=${ci:-(unset)}: home has $(cd "$home" && find . -type f | sort | tr '\n' ' '); $(grep -c '^posted to www.google-analytics.com' "$home.txt" || true) events"
    cut -c1-160 "$home.txt"
done

changed() { echo "No longer as seen on 2026-11-28: $1" >&2; exit 1; }
[ -f "$work/home/intel/openvino_ga_cid" ] || changed "no identifier at home"
grep -q '^posted to www.google-analytics.com .*"import"' "$work/home.txt" || changed "nothing is posted"
[ -z "$(ls -A "$work/home-in-ci")" ] || changed "an identifier at home, in CI too"
[ ! -s "$work/home-in-ci.txt" ] || changed "it is posted in CI too"
echo "As seen on 2026-11-28."
