#!/usr/bin/env bash
# ical.js 2.2.1 (Node 20), beside rrule 2.8.1 (JavaScript) and python-dateutil 2.9.0.
#
# Calendars say by a rule on which days an event comes again (RRULE, RFC 5545). The RFC has examples with their dates:
# "every 20th Monday of the year" (FREQ=YEARLY;BYDAY=20MO) is 19 May 1997, 18 May 1998 and 17 May 1999, and "Monday of
# week number 20" is 12 May 1997, 11 May 1998 and 17 May 1999. One would expect that ical.js, the library of Mozilla's
# calendar, gives these, or refuses a rule that it does not know: it refuses some.
#
# Both become one Monday after the other, 51 to 53 a year, and the second leaves out the day on which the event begins.
# The last Monday of the year by BYSETPOS, and the first of two days of a week, are each of these days, too. By month,
# ordinals and BYSETPOS of days of the week are right, so the rules that a calendar's window offers work.
#
# A line that is closed for stocktaking once a year is closed on every Monday, or open on the day itself. Compare the
# first dates of a rule with another library, or list the days (RDATE) where a rule names a day within a year.
#
# Seen on 2026-11-29 (the first four days of each rule):
#   FREQ=YEARLY;BYDAY=20MO
#     ical.js   1997-05-19 1997-05-26 1997-06-02 1997-06-09
#     rrule     1997-05-19 1998-05-18 1999-05-17 2000-05-15
#     dateutil  1997-05-19 1998-05-18 1999-05-17 2000-05-15
#   FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
#     ical.js   1997-05-19 1997-05-26 1997-06-02 1997-06-09
#     rrule     1997-05-12 1998-05-11 1999-05-17 2000-05-15
#     dateutil  1997-05-12 1998-05-11 1999-05-17 2000-05-15
#   FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1
#     ical.js   2026-12-28 2027-01-04 2027-01-11 2027-01-18
#     rrule     2026-12-28 2027-12-27 2028-12-25 2029-12-31
#     dateutil  2026-12-28 2027-12-27 2028-12-25 2029-12-31
#   FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1
#     ical.js   2026-11-30 2026-12-02 2026-12-07 2026-12-09
#     rrule     2026-11-30 2026-12-07 2026-12-14 2026-12-21
#     dateutil  2026-11-30 2026-12-07 2026-12-14 2026-12-21
#   FREQ=YEARLY;BYMONTH=6;BYDAY=1FR
#     ical.js   2026-06-05 2027-06-04 2028-06-02 2029-06-01
#     rrule     2026-06-05 2027-06-04 2028-06-02 2029-06-01
#     dateutil  2026-06-05 2027-06-04 2028-06-02 2029-06-01
#   FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
#     ical.js   2026-11-30 2026-12-31 2027-01-29 2027-02-26
#     rrule     2026-11-30 2026-12-31 2027-01-29 2027-02-26
#     dateutil  2026-11-30 2026-12-31 2027-01-29 2027-02-26
#
# Exits with 1 when that has changed. Needs npm and Node 18 or later.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-rules-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts 'ical.js@2.2.1' 'rrule@2.8.1'
python3 -m venv venv
venv/bin/pip install -q 'python-dateutil==2.9.0.post0' 2> /dev/null

cat > rules.txt <<'RULES'
1997-05-19 FREQ=YEARLY;BYDAY=20MO
1997-05-12 FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
2026-12-28 FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1
2026-11-30 FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1
2026-06-05 FREQ=YEARLY;BYMONTH=6;BYDAY=1FR
2026-11-30 FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
RULES

cat > expand.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";
import rrule from "rrule";

function expandByIcal(start, rule) {
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start));
  return [1, 2, 3, 4].map(() => iterator.next().toString());
}

function expandByRrule(start, rule) {
  const dates = [];
  rrule
    .rrulestr(`DTSTART:${start.replaceAll("-", "")}T000000Z\nRRULE:${rule}`)
    .all((date) => dates.push(date.toISOString().slice(0, 10)) < 4);
  return dates;
}

for (const line of readFileSync("rules.txt", "utf8").trim().split("\n")) {
  const [start, rule] = line.split(" ");
  console.log(rule);
  console.log("  ical.js  ", expandByIcal(start, rule).join(" "));
  console.log("  rrule    ", expandByRrule(start, rule).join(" "));
}
JAVASCRIPT

cat > expand.py <<'PYTHON'
from datetime import datetime
from itertools import islice

from dateutil.rrule import rrulestr

with open("rules.txt", encoding="utf-8") as lines:
    for line in lines:
        start, rule = line.split()
        dates = islice(rrulestr(rule, dtstart=datetime.fromisoformat(start)), 4)
        print("  dateutil ", *(f"{date:%Y-%m-%d}" for date in dates))
PYTHON

node expand.mjs > javascript.txt
venv/bin/python expand.py > python.txt
paste -d'\n' <(sed -n '1~3p' javascript.txt) <(sed -n '2~3p' javascript.txt) <(sed -n '3~3p' javascript.txt) \
  python.txt | tee seen
diff - seen <<'EXPECTED'
FREQ=YEARLY;BYDAY=20MO
  ical.js   1997-05-19 1997-05-26 1997-06-02 1997-06-09
  rrule     1997-05-19 1998-05-18 1999-05-17 2000-05-15
  dateutil  1997-05-19 1998-05-18 1999-05-17 2000-05-15
FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO
  ical.js   1997-05-19 1997-05-26 1997-06-02 1997-06-09
  rrule     1997-05-12 1998-05-11 1999-05-17 2000-05-15
  dateutil  1997-05-12 1998-05-11 1999-05-17 2000-05-15
FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1
  ical.js   2026-12-28 2027-01-04 2027-01-11 2027-01-18
  rrule     2026-12-28 2027-12-27 2028-12-25 2029-12-31
  dateutil  2026-12-28 2027-12-27 2028-12-25 2029-12-31
FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1
  ical.js   2026-11-30 2026-12-02 2026-12-07 2026-12-09
  rrule     2026-11-30 2026-12-07 2026-12-14 2026-12-21
  dateutil  2026-11-30 2026-12-07 2026-12-14 2026-12-21
FREQ=YEARLY;BYMONTH=6;BYDAY=1FR
  ical.js   2026-06-05 2027-06-04 2028-06-02 2029-06-01
  rrule     2026-06-05 2027-06-04 2028-06-02 2029-06-01
  dateutil  2026-06-05 2027-06-04 2028-06-02 2029-06-01
FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1
  ical.js   2026-11-30 2026-12-31 2027-01-29 2027-02-26
  rrule     2026-11-30 2026-12-31 2027-01-29 2027-02-26
  dateutil  2026-11-30 2026-12-31 2027-01-29 2027-02-26
EXPECTED
