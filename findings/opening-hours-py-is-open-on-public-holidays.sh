#!/usr/bin/env bash
# opening-hours-py 2.1.4 (the hours of OpenStreetMap; the same in the library for Rust that it wraps).
#
# Its README promises public holidays for many countries, and a country that it does not know raises
# UnknownCountryError. One would expect that for a country that it knows, "PH off" closes on each day that is a
# public holiday there, and on no other. Four kinds of days are wrong, without a word:
#
# 1. Where a holiday falls on a weekend and is made up for on a weekday, that weekday stands instead of the holiday. A
#    line with hours on Saturdays is open on Christmas Day of 2027 in the United Kingdom and in the United States.
# 2. A day that the data lists for regions is left out, also where all regions have it: New Year's Day in the United
#    Kingdom, every year. A region cannot be given.
# 3. Days that move with the moon are not there in some countries: Eid in Turkey and Indonesia, Tết in Vietnam. The
#    fixed days of these countries are.
# 4. Days that many have off without a law are there: Christmas Eve and Midsummer Eve in Sweden (law 1989:253).
#
# A line that is closed on public holidays takes calls on New Year's Day, and callers wait where nobody works. Write
# down the company's own days, or compare each year's with the law before it begins.
#
# Seen on 2026-11-29 ("Mo-Su 08:00-18:00; PH off" at noon):
#   GB 2026-04-03 closed  Good Friday
#   GB 2026-12-25 closed  Christmas Day, a Friday
#   GB 2027-12-25 open    Christmas Day, a Saturday
#   GB 2027-12-27 closed  the Monday for it
#   US 2026-07-04 open    Independence Day, a Saturday
#   US 2027-12-25 open    Christmas Day, a Saturday
#   US 2027-12-24 closed  the Friday for it
#   GB 2026-01-01 open    New Year's Day, a Thursday
#   GB 2027-01-01 open    New Year's Day, a Friday
#   TR 2026-03-20 open    first day of Ramazan Bayramı, a holiday
#   TR 2026-10-29 closed  Republic Day, a holiday
#   ID 2026-03-21 open    Idul Fitri, a holiday
#   VN 2026-02-17 open    first day of Tết, a holiday
#   VN 2026-09-02 closed  National Day, a holiday
#   SE 2026-06-19 closed  Midsummer Eve, no public holiday
#   SE 2026-06-20 closed  Midsummer Day, a holiday
#   SE 2026-12-24 closed  Christmas Eve, no public holiday
#   IN            UnknownCountryError
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-holidays-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'opening-hours-py==2.1.4' 2> /dev/null

cat > finding.py <<'PYTHON'
from datetime import datetime

from opening_hours import OpeningHours, UnknownCountryError

HOURS = "Mo-Su 08:00-18:00; PH off"
DAYS = """\
GB 2026-04-03 Good Friday
GB 2026-12-25 Christmas Day, a Friday
GB 2027-12-25 Christmas Day, a Saturday
GB 2027-12-27 the Monday for it
US 2026-07-04 Independence Day, a Saturday
US 2027-12-25 Christmas Day, a Saturday
US 2027-12-24 the Friday for it
GB 2026-01-01 New Year's Day, a Thursday
GB 2027-01-01 New Year's Day, a Friday
TR 2026-03-20 first day of Ramazan Bayramı, a holiday
TR 2026-10-29 Republic Day, a holiday
ID 2026-03-21 Idul Fitri, a holiday
VN 2026-02-17 first day of Tết, a holiday
VN 2026-09-02 National Day, a holiday
SE 2026-06-19 Midsummer Eve, no public holiday
SE 2026-06-20 Midsummer Day, a holiday
SE 2026-12-24 Christmas Eve, no public holiday
"""

for line in DAYS.splitlines():
    country, day, name = line.split(maxsplit=2)
    hours = OpeningHours(HOURS, country=country)
    state = "open" if hours.is_open(datetime.fromisoformat(f"{day} 12:00")) else "closed"
    print(f"{country} {day} {state:7} {name}")
try:
    OpeningHours(HOURS, country="IN")
except UnknownCountryError:
    print("IN            UnknownCountryError")
PYTHON
PYTHONIOENCODING=utf-8 venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
GB 2026-04-03 closed  Good Friday
GB 2026-12-25 closed  Christmas Day, a Friday
GB 2027-12-25 open    Christmas Day, a Saturday
GB 2027-12-27 closed  the Monday for it
US 2026-07-04 open    Independence Day, a Saturday
US 2027-12-25 open    Christmas Day, a Saturday
US 2027-12-24 closed  the Friday for it
GB 2026-01-01 open    New Year's Day, a Thursday
GB 2027-01-01 open    New Year's Day, a Friday
TR 2026-03-20 open    first day of Ramazan Bayramı, a holiday
TR 2026-10-29 closed  Republic Day, a holiday
ID 2026-03-21 open    Idul Fitri, a holiday
VN 2026-02-17 open    first day of Tết, a holiday
VN 2026-09-02 closed  National Day, a holiday
SE 2026-06-19 closed  Midsummer Eve, no public holiday
SE 2026-06-20 closed  Midsummer Day, a holiday
SE 2026-12-24 closed  Christmas Eve, no public holiday
IN            UnknownCountryError
EXPECTED
