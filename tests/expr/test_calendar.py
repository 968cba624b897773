"""Opening hours, also where clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import CalendarError, parse_calendar

OFFICE = {
    "zone": "Europe/Stockholm",
    "open": {"mon-fri": "09:00-17:00", "sat": ["10:00-12:00", "13:00-15:00"]},
    "except": {
        "2026-12-24": "closed",
        "2026-12-31": "09:00-12:00",
        "12-25": "closed",
        "2027-12-25": "10:00-11:00",
    },
}


def at(text, zone="+01:00"):
    return datetime.fromisoformat(f"{text}{zone}")


@pytest.mark.parametrize(
    ("now", "is_open", "following"),
    [
        ("2026-11-23T08:59:59", False, "2026-11-23T09:00:00+01:00"),
        ("2026-11-23T09:00:00", True, "2026-11-24T09:00:00+01:00"),
        ("2026-11-23T17:00:00", False, "2026-11-24T09:00:00+01:00"),
        ("2026-11-21T12:30:00", False, "2026-11-21T13:00:00+01:00"),
        ("2026-11-21T16:00:00", False, "2026-11-23T09:00:00+01:00"),
        ("2026-12-24T10:00:00", False, "2026-12-26T10:00:00+01:00"),
        ("2026-12-31T11:00:00", True, "2027-01-01T09:00:00+01:00"),
        ("2026-12-31T12:00:00", False, "2027-01-01T09:00:00+01:00"),
        ("2027-12-25T10:30:00", True, "2027-12-27T09:00:00+01:00"),
        ("2028-12-25T10:30:00", False, "2028-12-26T09:00:00+01:00"),
    ],
)
def test_office_hours(now, is_open, following):
    office = parse_calendar(OFFICE)
    assert office.is_open(at(now)) is is_open
    assert office.find_next_opening(at(now)).isoformat() == following


@pytest.mark.parametrize(
    ("now", "locale", "words"),
    [
        ("2026-11-23T08:00:00", "en-US", "today at 9 AM"),
        ("2026-11-23T18:00:00", "en-US", "tomorrow at 9 AM"),
        ("2026-11-21T18:00:00", "en-US", "Monday at 9 AM"),
        ("2026-11-21T18:00:00", "sv-SE", "måndag 09:00"),
        ("2026-11-23T08:00:00", "sv-SE", "09:00"),
    ],
)
def test_next_opening_is_spoken_in_the_locale(now, locale, words):
    assert parse_calendar(OFFICE).format_next_opening(at(now), locale) == words


def test_words_for_far_and_never():
    far = parse_calendar({"zone": "UTC", "except": {"2027-03-01": "09:30-10:00"}})
    assert (
        far.format_next_opening(at("2026-11-21T00:00:00"), "en-GB") == "Monday 1 March, at 9:30 AM"
    )
    assert far.format_next_opening(at("2026-11-21T00:00:00"), "sv-SE") == "måndag 1 mars 09:30"
    assert far.format_next_opening(at("2026-02-21T00:00:00"), "sv-SE") == "måndag 1 mars 2027 09:30"
    assert (
        far.format_next_opening(at("2024-02-21T00:00:00"), "en-US")
        == "Monday, March 1, 2027, at 9:30 AM"
    )
    leap = parse_calendar({"zone": "UTC", "except": {"02-29": "09:30-10:00"}})
    assert leap.find_next_opening(at("2096-03-01T00:00:00", "+00:00")) == at(
        "2104-02-29T09:30:00", "+00:00"
    )
    never = parse_calendar({"zone": "UTC"})
    assert never.find_next_opening(at("2026-11-21T00:00:00")) is None
    assert never.format_next_opening(at("2026-11-21T00:00:00"), "en-US") == "at a later time"
    later = never.format_next_opening(at("2026-11-21T00:00:00"), "de-DE")
    assert later == "zu einem späteren Zeitpunkt"
    assert never.format_next_opening(at("2026-11-21T00:00:00"), "ja-JP") == ""


def around_the_clock(exceptions=None):
    return parse_calendar(
        {"zone": "UTC", "open": {"daily": "00:00-24:00"}, "except": exceptions or {}}
    )


def test_next_open_of_hours_around_the_clock_is_after_a_closed_day_or_never():
    never_closed = around_the_clock()
    assert never_closed.find_next_opening(at("2026-11-21T18:00:00", "+00:00")) is None
    assert never_closed.format_next_opening(at("2026-11-21T18:00:00", "+00:00"), "en-US") == "now"
    assert never_closed.format_next_opening(at("2026-11-21T18:00:00", "+00:00"), "sv-SE") == "nu"
    christmas = around_the_clock({"12-25": "closed", "2030-05-01": "closed"})
    assert (
        christmas.format_next_opening(at("2026-12-24T10:00:00", "+00:00"), "en-US")
        == "Saturday at midnight"
    )
    once = around_the_clock({"2030-05-01": "closed"})
    assert once.find_next_opening(at("2026-12-24T10:00:00", "+00:00")) == at(
        "2030-05-02T00:00:00", "+00:00"
    )


def test_next_open_of_hours_that_go_on_past_midnight_is_where_they_begin():
    bar = parse_calendar({"zone": "UTC", "open": {"sat": "20:00-24:00", "sun": "00:00-02:00"}})
    assert bar.find_next_opening(at("2026-11-28T21:00:00", "+00:00")) == at(
        "2026-12-05T20:00:00", "+00:00"
    )
    assert bar.find_next_opening(at("2026-11-27T21:00:00", "+00:00")) == at(
        "2026-11-28T20:00:00", "+00:00"
    )


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-23T13:00:00+00:00", "today at 9 AM"),  # the 23rd, 08:00 in New York
        ("2026-11-24T02:00:00+00:00", "tomorrow at 9 AM"),  # the 23rd, 21:00 there
        ("2026-11-24T05:30:00+00:00", "today at 9 AM"),  # the 24th, 00:30 there
    ],
)
def test_next_open_words_count_days_in_the_zone_of_the_calendar(now, words):
    office = parse_calendar({"zone": "America/New_York", "open": {"mon-fri": "09:00-17:00"}})
    assert office.format_next_opening(datetime.fromisoformat(now), "en-US") == words


def test_closed_calendar_is_never_open():
    closed = parse_calendar({**OFFICE, "closed": True})
    assert not closed.is_open(at("2026-11-23T10:00:00"))
    assert closed.find_next_opening(at("2026-11-23T10:00:00")) is None


def test_nights_belong_to_the_day_they_begin():
    bar = parse_calendar(
        {
            "zone": "UTC",
            "open": {"fri": "22:00-02:00", "sun": "00:00-24:00"},
            "except": {"2026-11-28": "closed"},
        }
    )
    assert bar.is_open(
        at("2026-11-28T01:59:59", "+00:00")
    )  # Friday's night runs into the closed Saturday
    assert not bar.is_open(at("2026-11-28T02:00:00", "+00:00"))
    assert not bar.is_open(at("2026-11-27T01:00:00", "+00:00"))
    assert bar.is_open(at("2026-11-29T23:59:59", "+00:00"))
    assert not bar.is_open(at("2026-11-30T00:00:00", "+00:00"))


def test_hours_across_a_change_of_the_clock():
    spring = parse_calendar(
        {"zone": "Europe/Stockholm", "open": {"daily": "02:30-04:00"}}
    )  # 2026-03-29 has no 02:00-03:00
    assert (
        spring.find_next_opening(at("2026-03-29T00:00:00")).isoformat()
        == "2026-03-29T03:00:00+02:00"
    )
    assert spring.is_open(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    assert not spring.is_open(datetime(2026, 3, 29, 2, 0, tzinfo=UTC))
    autumn = parse_calendar(
        {"zone": "Europe/Stockholm", "open": {"daily": "01:30-02:30"}}
    )  # 2026-10-25 has 02:00-03:00 twice
    opened = autumn.find_next_opening(datetime(2026, 10, 24, 12, tzinfo=UTC)).astimezone(UTC)
    assert opened == datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert all(autumn.is_open(opened + timedelta(minutes=minute)) for minute in range(120))
    assert not autumn.is_open(opened + timedelta(minutes=120))


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ({}, (), "a calendar needs a zone"),
        ({"zone": "Europe/Stokholm"}, ("zone",), 'there is no zone "Europe/Stokholm"'),
        ({"zone": "../etc/passwd"}, ("zone",), 'there is no zone "../etc/passwd"'),
        ({"zone": "UTC", "opn": {}}, ("opn",), 'a calendar has no "opn"'),
        ({"zone": "UTC", "open": "09:00-17:00"}, ("open",), "open lists days and their hours"),
        (
            {"zone": "UTC", "open": {"mo": "09:00-17:00"}},
            ("open", "mo"),
            '"mo" is no day of the week',
        ),
        (
            {"zone": "UTC", "open": {"mon-fri": "09:00-17:00", "fri": "closed"}},
            ("open", "fri"),
            "fri is there twice",
        ),
        ({"zone": "UTC", "open": {"mon": "9 to 5"}}, ("open", "mon"), '"9 to 5" are no hours'),
        (
            {"zone": "UTC", "open": {"mon": ["09:00-12:00", "25:00-26:00"]}},
            ("open", "mon", 1),
            '"25:00-26:00" is past midnight',
        ),
        (
            {"zone": "UTC", "open": {"mon": ["09:00-12:00", "11:00-13:00"]}},
            ("open", "mon"),
            "these hours overlap",
        ),
        (
            {"zone": "UTC", "open": {"mon": "09:00-09:00"}},
            ("open", "mon"),
            "these hours end when they begin",
        ),
        (
            {"zone": "UTC", "except": {"2026-02-30": "closed"}},
            ("except", "2026-02-30"),
            'there is no day "2026-02-30"',
        ),
        (
            {"zone": "UTC", "except": {"Christmas": "closed"}},
            ("except", "Christmas"),
            '"Christmas" is no date',
        ),
        (
            {"zone": "UTC", "except": {"fifth monday of may": "closed"}},
            ("except", "fifth monday of may"),
            '"fifth monday of may" is no date',
        ),
        (
            {"zone": "UTC", "except": {"friday after 02-29": "closed"}},
            ("except", "friday after 02-29"),
            "most years have no 02-29",
        ),
        (
            {"zone": "UTC", "except": {"2026-12-24 to 12-26": "closed"}},
            ("except", "2026-12-24 to 12-26"),
            'one end of "2026-12-24 to 12-26" has a year and the other has none',
        ),
        (
            {"zone": "UTC", "except": {"2026-12-26 to 2026-12-24": "closed"}},
            ("except", "2026-12-26 to 2026-12-24"),
            '"2026-12-26 to 2026-12-24" ends before it begins',
        ),
        (
            {"zone": "UTC", "except": {"2026-12-24 to 2062-12-26": "closed"}},
            ("except", "2026-12-24 to 2062-12-26"),
            '"2026-12-24 to 2062-12-26" is longer than a year',
        ),
        (
            {"zone": "UTC", "except": {"12-24 to soon": "closed"}},
            ("except", "12-24 to soon"),
            '"12-24 to soon" is no range of dates',
        ),
        (
            {"zone": "UTC", "except": {"easter": "closed", "Easter  Sunday": "closed"}},
            ("except", "Easter  Sunday"),
            '"Easter  Sunday" is there twice',
        ),
        ({"zone": "UTC", "closed": "yes"}, ("closed",), "closed is true or false"),
    ],
)
def test_calendar_mistake_is_reported_at_its_place(data, path, message):
    with pytest.raises(CalendarError) as caught:
        parse_calendar(data)
    assert [(one.path, one.message) for one in caught.value.mistakes] == [(path, message)]


def test_calendar_mistakes_are_all_reported_at_once():
    data = {
        "zone": "Mars",
        "opn": {},
        "open": {"mo": "9", "tue": "9"},
        "except": {"Christmas": "9", "12-24": "9"},
        "closed": 1,
    }
    with pytest.raises(CalendarError) as caught:
        parse_calendar(data)
    found = [one.path for one in caught.value.mistakes]
    assert found == [
        ("opn",), ("closed",), ("open", "mo"), ("open", "mo"), ("open", "tue"),
        ("except", "Christmas"), ("except", "Christmas"), ("except", "12-24"), ("zone",),
    ]  # fmt: skip


HOLIDAYS = {
    "zone": "UTC",
    "open": {"daily": "09:00-17:00"},
    "except": {
        "12-20 to 01-06": "10:00-12:00",
        "2026-12-22 to 2026-12-28": "closed",
        "2026-12-27": "11:00-12:00",
        "12-31": "13:00-14:00",
        "fourth thursday of november": "closed",
        "1 day after Fourth Thursday of November": "08:00-12:00",
        "last monday of may": "closed",
        "friday after 06-18": "closed",
        "saturday before 11-07": "closed",
        "easter monday": "closed",
        "good friday": "closed",
        "3 days before easter": "09:00-13:00",
        "11-27": "07:00-08:00",
    },
}


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-11-26", "closed"),
        ("2026-11-27", "07-08"),  # a day of every year before a holiday that moves
        ("2027-11-26", "08-12"),
        ("2027-11-25", "closed"),
        ("2026-12-19", "09-17"),
        ("2026-12-20", "10-12"),
        ("2026-12-22", "closed"),  # a range of one year before that of every year
        ("2026-12-27", "11-12"),  # a day before a range
        ("2026-12-28", "closed"),
        ("2026-12-29", "10-12"),
        ("2026-12-31", "13-14"),
        ("2027-01-06", "10-12"),
        ("2027-01-07", "09-17"),
        ("2026-05-25", "closed"),
        ("2027-05-31", "closed"),
        ("2026-06-19", "closed"),
        ("2027-06-25", "closed"),
        ("2026-10-31", "closed"),
        ("2026-11-07", "09-17"),
        ("2027-03-26", "closed"),
        ("2027-03-29", "closed"),
        ("2027-03-25", "09-13"),
    ],
)
def test_special_day_has_its_own_hours(day, hours):
    calendar, begin = parse_calendar(HOLIDAYS), datetime.fromisoformat(f"{day}T00:30:00+00:00")
    is_open = [hour for hour in range(24) if calendar.is_open(begin + timedelta(hours=hour))]
    found = f"{is_open[0]:02}-{is_open[-1] + 1:02}" if is_open else "closed"
    assert found == hours


def test_next_opening_passes_holidays_that_move():
    calendar = parse_calendar(HOLIDAYS)
    assert (
        calendar.find_next_opening(datetime.fromisoformat("2026-06-18T18:00:00+00:00")).isoformat()
        == "2026-06-20T09:00:00+00:00"
    )


def test_leap_day_in_a_season_opens_in_leap_years():
    rare = parse_calendar(
        {"zone": "UTC", "except": {"02-29": "09:30-10:00", "02-20 to 03-05": "closed"}}
    )
    opens = rare.find_next_opening(datetime.fromisoformat("2026-06-18T18:00:00+00:00"))
    assert opens.isoformat() == "2028-02-29T09:30:00+00:00"


@given(st.dates())
def test_calendar_on_any_day_answers(day):
    calendar = parse_calendar(HOLIDAYS)
    calendar.is_open(datetime.combine(day, datetime.min.time(), UTC))


def test_calendar_without_a_zone_takes_the_one_of_the_project():
    assert (
        parse_calendar({"open": {"mon": "09:00-17:00"}}, "Europe/Stockholm").zone.key
        == "Europe/Stockholm"
    )
    assert parse_calendar({"zone": "UTC"}, "Europe/Stockholm").zone.key == "UTC"


def test_days_can_be_named_in_many_ways():
    same = [
        {"fri-mon": "09:00-10:00"},
        {"fri,sat": "09:00-10:00", "Sunday, monday": "09:00-10:00"},
        {"weekend": "09:00-10:00", "mon": "09:00-10:00", "friday": "09:00-10:00"},
    ]
    assert (
        len(
            {
                tuple(sorted(parse_calendar({"zone": "UTC", "open": days}).weekly.items()))
                for days in same
            }
        )
        == 1
    )


CLOCK = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
HOURS = st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1]).map("-".join)
WEEKS = st.dictionaries(
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), HOURS | st.just("closed")
)
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Stockholm",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
    ]
)


MOMENTS = st.integers(946_684_800, 2_051_222_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)  # 2000 to 2035


@given(WEEKS, ZONES, MOMENTS)
def test_next_opening_is_open_and_later(week, zone, now):
    calendar = parse_calendar({"zone": zone, "open": week})
    opening = calendar.find_next_opening(now)
    if opening is None:
        assert calendar.is_open(now) or all(hours == "closed" for hours in week.values())
    else:
        assert opening > now
        assert calendar.is_open(opening)
        assert not calendar.is_open(opening - timedelta(seconds=1))
        if not calendar.is_open(now):  # closed until then, without a gap that was overlooked
            step = (opening - now) / 7
            assert not any(calendar.is_open(now + step * part) for part in range(7))
