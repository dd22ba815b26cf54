#!/usr/bin/env bash
# altair 6.3.0 with pandas 3.1.1, which Streamlit 1.67 both brings. Seen on 2026-11-28, Python 3.11, Linux.
#
# Guess before running: a chart whose data are plain dictionaries has nothing to do with pandas; if pandas is used where
# it is installed, an import in another thread makes the chart wait, as every import does.
# Seen: Altair takes whatever stands in `sys.modules` under "pandas". While another thread is importing pandas that is a
# module without its names, and Chart.to_dict() raises AttributeError. In Streamlit each visitor has a thread and pandas
# comes with the first table: the second visitor's chart fails, once, after a start. An `import pandas` of one's own
# before the chart waits for the other thread, and the chart is drawn.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check altair==6.3.0 pandas==3.1.1

cat >"$work/chart.py" <<'PYTHON'
import sys
import threading
import time

import altair as alt
import numpy

rows = alt.InlineData(values=[{"at": 0.5, "seen": 0.4}])
chart = alt.Chart(rows).mark_line().encode(x="at:Q", y="seen:Q")

def import_pandas():
    import pandas

other = threading.Thread(target=import_pandas)
other.start()
while "pandas" not in sys.modules:
    time.sleep(0.001)
try:
    if sys.argv[1] == "waits":
        import pandas
    chart.to_dict()
except AttributeError as error:
    print("AttributeError:", str(error).split(" from ")[0])
else:
    print("drawn")
other.join()
chart.to_dict()
PYTHON

for how in asks waits; do
    "$work/env/bin/python" "$work/chart.py" "$how" >"$work/$how"
    echo "$how: $(cat "$work/$how")"
done

changed() { echo "No longer as seen on 2026-11-28: $1" >&2; exit 1; }
grep -q "^AttributeError: partially initialized module 'pandas'" "$work/asks" || changed "the chart does not fail"
grep -q "^drawn$" "$work/waits" || changed "the chart fails after an import too"
echo "As seen on 2026-11-28."
