#!/usr/bin/env bash
# Babel 2.19.0 reads the afternoon that it has written itself as the morning.
#
# format_time writes a time in the words of a locale, and parse_time takes a locale, too. One would expect that
# parse_time knows the words by which that locale tells the halves of the day (Locale.day_periods has them), or
# raises ParseError for what it cannot read. It knows the letters "am" and "pm" alone, in every locale, and
# ignores all other words. So half past three in the afternoon is 03:30 in Korean, Greek, Arabic, Malay, Albanian
# and traditional Chinese, and also in the Spanish of Mexico and in the English of Canada, which write "p.m."
# with dots; half past midnight is half past twelve. Nothing is raised. English of the United States is right,
# and so is each locale that writes 24 hours: who tests with these sees nothing.
#
# Opening hours that people type in their language are twelve hours off. Take such times as ISO 8601
# (time.fromisoformat), or replace the words of the locale by "am" and "pm" before parse_time, and check that
# format_time gives the text again.
#
# Seen on 2026-11-29:
#   en_US 3:30 PM is read as 15:30, 12:30 AM as 00:30
#   hi_IN 3:30 pm is read as 15:30, 12:30 am as 00:30
#   de_DE 15:30 is read as 15:30, 00:30 as 00:30
#   en_CA 3:30 p.m. is read as 03:30, 12:30 a.m. as 12:30
#   es_MX 3:30 p.m. is read as 03:30, 12:30 a.m. as 12:30
#   ms_MY 3:30 PTG is read as 03:30, 12:30 PG as 12:30
#   sq_AL 3:30 m.d. is read as 03:30, 12:30 p.d. as 12:30
#   el_GR 3:30 μ.μ. is read as 03:30, 12:30 π.μ. as 12:30
#   ar_EG 3:30 م is read as 03:30, 12:30 ص as 12:30
#   ko_KR 오후 3:30 is read as 03:30, 오전 12:30 as 12:30
#   zh_TW 下午3:30 is read as 03:30, 凌晨12:30 as 12:30
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-parse-time-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'babel==2.19.0' 2> /dev/null

cat > finding.py <<'PYTHON'
import sys
from datetime import time

from babel.dates import format_time, parse_time

RIGHT = ("en_US", "hi_IN", "de_DE")
WRONG = ("en_CA", "es_MX", "ms_MY", "sq_AL", "el_GR", "ar_EG", "ko_KR", "zh_TW")
AFTERNOON, NIGHT = time(15, 30), time(0, 30)

sys.stdout.reconfigure(encoding="utf-8")
found = {}
for locale in (*RIGHT, *WRONG):
    written = [format_time(each, format="short", locale=locale) for each in (AFTERNOON, NIGHT)]
    read = [parse_time(each, locale=locale, format="short") for each in written]
    found[locale] = read
    afternoon, night = (" ".join(each.split()) for each in written)  # with ordinary blanks
    print(f"{locale} {afternoon} is read as {read[0]:%H:%M}, {night} as {read[1]:%H:%M}")
expected = dict.fromkeys(RIGHT, [AFTERNOON, NIGHT]) | dict.fromkeys(WRONG, [time(3, 30), time(12, 30)])
sys.exit(found != expected)
PYTHON
venv/bin/python finding.py
