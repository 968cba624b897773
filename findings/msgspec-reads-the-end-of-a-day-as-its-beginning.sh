#!/usr/bin/env bash
# msgspec 0.22.0 and arrow 1.4.0, beside the datetime of CPython 3.11, pydantic 2.14.4, DuckDB 2.0.1 and
# python-dateutil 2.9.0.
#
# Programs on .NET write times with seven digits of a second, and the last moment of a day as 23:59:59.9999999
# (TimeOnly.MaxValue, or midnight less a tick). Python's times have six. One would expect the rest to be cut off,
# as datetime, pydantic, DuckDB and dateutil do. msgspec rounds, which its documentation of these types does not
# say, and what it rounds up carries over:
#
#   - A time of day goes round the clock: 23:59:59.9999999 is 00:00:00, the first moment of the day. Opening hours
#     from 08:00 to 23:59:59.9999999 end before they begin.
#   - A date and time goes to the next day: what is valid until the end of 31 December is valid on 1 January of the
#     next year, and counts there in a report. arrow does this, too.
#   - DateTime.MaxValue, 9999-12-31T23:59:59.9999999, by which .NET says "without end", is refused as if it were
#     no valid time.
#
# So two programs that read the same answer of a customer database with different libraries are a day apart. Take
# such fields as text and read them by time.fromisoformat of Python 3.11 or later.
#
# Seen on 2026-11-29:
#   datetime  23:59:59.999999  2026-12-31 23:59:59.999999
#   pydantic  23:59:59.999999  2026-12-31 23:59:59.999999
#   DuckDB    23:59:59.999999  2026-12-31 23:59:59.999999
#   dateutil  -                2026-12-31 23:59:59.999999
#   arrow     -                2027-01-01 00:00:00
#   msgspec   00:00:00         2027-01-01 00:00:00
#   9999-12-31T23:59:59.9999999: datetime 9999-12-31 23:59:59.999999, msgspec ValidationError
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-end-of-day-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'msgspec==0.22.0' 'arrow==1.4.0' 'pydantic==2.14.4' 'duckdb==2.0.1' \
  'python-dateutil==2.9.0.post0' 2> /dev/null

cat > finding.py <<'PYTHON'
from datetime import datetime, time

import arrow
import duckdb
import msgspec
from dateutil.parser import isoparse
from pydantic import TypeAdapter

END_OF_DAY, END_OF_YEAR = "23:59:59.9999999", "2026-12-31T23:59:59.9999999"
WITHOUT_END = "9999-12-31T23:59:59.9999999"


def ask_duckdb(kind: str, text: str) -> object:
    return duckdb.execute(f"SELECT CAST(? AS {kind})", [text]).fetchone()[0]


def show(name: str, of_day: object, of_year: object) -> None:
    print(f"{name:8}  {of_day!s:15}  {of_year}")


show("datetime", time.fromisoformat(END_OF_DAY), datetime.fromisoformat(END_OF_YEAR))
show(
    "pydantic",
    TypeAdapter(time).validate_python(END_OF_DAY),
    TypeAdapter(datetime).validate_python(END_OF_YEAR),
)
show("DuckDB", ask_duckdb("TIME", END_OF_DAY), ask_duckdb("TIMESTAMP", END_OF_YEAR))
show("dateutil", "-", isoparse(END_OF_YEAR))
show("arrow", "-", arrow.get(END_OF_YEAR).naive)
show("msgspec", msgspec.convert(END_OF_DAY, time), msgspec.convert(END_OF_YEAR, datetime))
try:
    refused = msgspec.convert(WITHOUT_END, datetime)
except msgspec.ValidationError:
    refused = "ValidationError"
print(f"{WITHOUT_END}: datetime {datetime.fromisoformat(WITHOUT_END)}, msgspec {refused}")
PYTHON
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
datetime  23:59:59.999999  2026-12-31 23:59:59.999999
pydantic  23:59:59.999999  2026-12-31 23:59:59.999999
DuckDB    23:59:59.999999  2026-12-31 23:59:59.999999
dateutil  -                2026-12-31 23:59:59.999999
arrow     -                2027-01-01 00:00:00
msgspec   00:00:00         2027-01-01 00:00:00
9999-12-31T23:59:59.9999999: datetime 9999-12-31 23:59:59.999999, msgspec ValidationError
EXPECTED
