#!/usr/bin/env bash
# icalendar 7.3.2 and recurring-ical-events 3.8.2, with tzdata 2026.3.
#
# RFC 5545 (3.3.6) tells days from hours: P1D is until the same time on the next day, which may be 23 or 25 hours away,
# PT24H is 24 hours. A time that the clock leaves out in spring is read with the offset before it (3.3.5), so 02:30 is
# 03:30 then. One would expect each event of PT8H to last eight hours.
#
# Both libraries add all durations to the time that the clock shows, without its offset. In the night to summer time
# eight hours last seven, in the other one nine, PT24H is the same as P1D, and an hour from 02:30 on begins and ends in
# one moment, or lasts two hours. It does not depend on recurrence: a single event has the same end.
#
# Who is on call is often kept in such a calendar, as shifts with a duration. In one night of the year nobody is for an
# hour, in another one two people are. Write shifts with DTEND, or add the duration to the start in UTC.
#
# Seen on 2026-11-29 (central Europe; the start, the end, and the hours between them):
#   P1D    2026-03-28 12:00 +0100  2026-03-29 12:00 +0200  23
#   PT24H  2026-03-28 12:00 +0100  2026-03-29 12:00 +0200  23
#   PT8H   2026-03-27 22:00 +0100  2026-03-28 06:00 +0100  8
#   PT8H   2026-03-28 22:00 +0100  2026-03-29 06:00 +0200  7
#   PT8H   2026-10-24 22:00 +0200  2026-10-25 06:00 +0100  9
#   PT1H   2026-03-29 02:30 +0100  2026-03-29 03:30 +0200  0
#   PT1H   2026-10-25 02:30 +0200  2026-10-25 03:30 +0100  2
#   a single event of PT8H on 2026-03-28: 7 hours
#
# Exits with 1 when that has changed.
set -euo pipefail

folder=$(mktemp -d /tmp/finding-ical-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q 'icalendar==7.3.2' 'recurring-ical-events==3.8.2' 'tzdata==2026.3' 2> /dev/null

cat > finding.py <<'PYTHON'
from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events

CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//finding//EN
BEGIN:VTIMEZONE
TZID:Europe/Stockholm
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:shift@example.com
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Stockholm:{start}
DURATION:{duration}
SUMMARY:On call
{rule}END:VEVENT
END:VCALENDAR
"""
CASES = (
    ("P1D", "20260301T120000", "2026-03-28"),
    ("PT24H", "20260301T120000", "2026-03-28"),
    ("PT8H", "20260301T220000", "2026-03-27"),
    ("PT8H", "20260301T220000", "2026-03-28"),
    ("PT8H", "20260301T220000", "2026-10-24"),
    ("PT1H", "20260301T023000", "2026-03-29"),
    ("PT1H", "20260301T023000", "2026-10-25"),
)


def read(start: str, duration: str, rule: str) -> icalendar.Calendar:
    text = CALENDAR.format(start=start, duration=duration, rule=rule)
    return icalendar.Calendar.from_ical(text.replace("\n", "\r\n"))


def count_hours(start: datetime, end: datetime) -> int:
    return round((end.astimezone(UTC) - start.astimezone(UTC)) / timedelta(hours=1))


def show(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %z}"


for duration, start, day in CASES:
    calendar = read(start, duration, "RRULE:FREQ=DAILY\n")
    events = recurring_ical_events.of(calendar).at(day.replace("-", ""))
    (event,) = (each for each in events if f"{each.start:%Y-%m-%d}" == day)
    print(f"{duration:6} {show(event.start)}  {show(event.end)}  {count_hours(event.start, event.end)}")
(single,) = read("20260328T220000", "PT8H", "").events
print(f"a single event of PT8H on 2026-03-28: {count_hours(single.start, single.end)} hours")
PYTHON
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
P1D    2026-03-28 12:00 +0100  2026-03-29 12:00 +0200  23
PT24H  2026-03-28 12:00 +0100  2026-03-29 12:00 +0200  23
PT8H   2026-03-27 22:00 +0100  2026-03-28 06:00 +0100  8
PT8H   2026-03-28 22:00 +0100  2026-03-29 06:00 +0200  7
PT8H   2026-10-24 22:00 +0200  2026-10-25 06:00 +0100  9
PT1H   2026-03-29 02:30 +0100  2026-03-29 03:30 +0200  0
PT1H   2026-10-25 02:30 +0200  2026-10-25 03:30 +0100  2
a single event of PT8H on 2026-03-28: 7 hours
EXPECTED
