"""Every limit of the project, each with its reason. Read the reason before you raise one."""

from typing import Final

# --- source: what a file may be
# -------------------------------------------------------------------------------------------

# A flow of 100 states is about 30 kB. One MiB is thirty such flows in one file, and is still read
# in well under a second.
MAX_FILE_BYTES: Final = 1_048_576

# A real flow nests about 10 deep. The loader recurses once per level, and so does all that walks the
# data after it.
MAX_DEPTH: Final = 32

# A flow of 100 states has about 3,000 keys and values. Bounds time and memory for a file such as
# `[1,1,1,…`.
MAX_NODES: Final = 100_000

# Nobody reads more than this; a file of a million aliases must not become a million objects.
MAX_PROBLEMS: Final = 200

# After a syntax error reading goes on at the next part of the file; each restart may cost one scan
# to the end of the file.
MAX_RESTARTS: Final = 20

# Whole numbers that fit 64 bits in every language a value may reach; longer digits (card numbers)
# stay text.
MAX_INTEGER_DIGITS: Final = 18

# What a person can take in of a quoted value, and of a line of the file below a message.
MAX_QUOTED: Final = 60
MAX_EXCERPT: Final = 110

# platform
MAX_SAY = 600  # characters of one `say` (OpenAPI; support can raise it)
MAX_PAUSE_MILLIS = 10_000  # of one break in speech markup: voices of most makers take no longer one
MAX_TTS_TOTAL = (
    1000  # spoken characters of one answer (older .NET server SDK, written by platform staff)
)
MAX_PROMPT_PARTS = 64  # prompt parts of one answer (older .NET server SDK)
MAX_COOKIE_BYTES = (
    1024  # keys and values of a call's cookies together (callback documentation 2020/2021)
)
MAX_COOKIE_KEY = 50  # characters of a cookie's key (older .NET server SDK)
MAX_COOKIES = (
    1  # one is all that state needs, and every further one is a way to outgrow the sum unseen
)
MAX_HEADERS_BYTES = 1024  # keys and values of call headers together (documentation 2021)
MAX_CONFERENCE_ID = 64  # characters (OpenAPI)
MAX_USER_NAME = 128  # characters of an app user as destination (older .NET server SDK)
MAX_MENU_ID = 64  # characters (older .NET server SDK)
MAX_CALL_SECONDS = 14_400  # longer connections are cut by the platform (OpenAPI)
MAX_RING_SECONDS = 600  # no network rings longer; a larger number is a slip of the unit
MAX_RING_MEMBERS = 50  # each is a call to place at the same moment; more people want a queue
MAX_PLACEMENT_TRIES = 20  # who has not answered by then will not
MAX_PLACEMENTS_PER_REQUEST = 1000  # each is a transaction; more are several requests
MAX_PLACEMENT_SECONDS = (
    604_800  # a week; what is put off for longer belongs to the system that asks for it
)
MAX_QUEUE_SECONDS = 14_400  # a caller waits no longer than the platform lets a call last
MIN_ANNOUNCEMENT_SECONDS = 20  # each takes a caller out of the room: more often is noise
MAX_ANNOUNCEMENT_SECONDS = 3600
SPOKEN_CHARACTERS_PER_SECOND = 15  # of the platform's voices, by and large
MAX_WRAP_UP_SECONDS = 3600  # a longer time after a call is a break
MAX_CONFERENCE_KEYS_SECONDS = (
    60  # nobody waits longer between two keys; a larger number is a slip of the unit
)
MAX_PARKING_CODE = 64  # as the name of a conference
MAX_PARK_SECONDS = 600  # a parked call is hung up after this (documentation 2020/2021)
MIN_MENU_TIMEOUT_MILLIS = (
    1000  # shorter silence than this ends a menu before anybody can answer (older .NET server SDK)
)
MAX_MENU_TIMEOUT_MILLIS = 30_000  # (older .NET server SDK)
MAX_VOICE_MILLIS = (
    60_000  # nobody answers a question for longer; a larger number is a slip of the unit
)
MAX_CUSTOM_BYTES = 1024  # of the text that a placed call hands in (documentation 2020)
MAX_E164 = 16  # characters of a phone number: + and 15 digits (ITU-T E.164)
# of the address of a recording or transcript: no source has a limit; a bucket of 63, a folder, and
# a file name made of a date, an application key and a call id are within this
MAX_RECORDING_URL = 256
MAX_MESSAGE_SECONDS = 900  # a caller speaks no longer; a larger number is a slip of the unit
MAX_FILE_WAIT_SECONDS = 120  # nobody stays on the line in silence for longer
MAX_REPORT_DETAILS = 64  # characters of reportCallStatus, cut by the platform (documentation 2021)
# either way: long for clocks that drift, short for a replay; the platform only says "not too old"
SIGNATURE_WINDOW_SECONDS = 300

# --- project and calls
# ----------------------------------------------------------------------------------------------------

MAX_PROJECT_FILES: Final = (
    5000  # five times the largest project that was ever measured; bounds the time of a reload
)
# a larger file is not even read: it is no flow, and would only fill the memory of the server
MAX_READ_BYTES: Final = 16_777_216
GIT_TIMEOUT_SECONDS: Final = (
    5.0  # git hands out an object in a millisecond; a cold disk takes a second at most
)
READ_SECONDS: Final = (
    15.0  # a project is read in a second; a place that takes longer is reported, and waited for
)
MAX_FETCH_SECONDS: Final = (
    20.0  # no platform waits longer; the callback's own deadline is shorter still
)
MAX_VARIABLE: Final = (
    500  # characters that a variable may be declared to hold; it travels with the call
)
MAX_FAILURES_PER_STEP: Final = (
    3  # error exits that fail themselves; after these only the apology is left
)
MAX_STATES_PER_STEP: Final = 200  # a callback that walks more states than this is in a loop
MAX_SUBFLOW_DEPTH: Final = (
    8  # each level travels with the call; deeper nesting is recursion by accident
)
# the questions that `back` can return to travel with the call: about 25 of ten letters; of the
# oldest nothing is known any more
MAX_HISTORY_BYTES: Final = 256
MAX_STEP_RETRIES: Final = (
    5  # callbacks of one call at the same moment; each is two at most, an answer and a notice
)
# of an address or a user that a call carries along; the platform has none longer (MAX_USER_NAME)
MAX_FACT_BYTES: Final = 128
# of the host of a call's address; those of the platform have 26
MAX_HOST_BYTES: Final = 48
# of a handed-in text that travels with a call: all that the platform takes would fill the cookie,
# and every flow that reads it would have a state that needs a store
MAX_KEPT_CUSTOM_BYTES: Final = 256
# the longest call is 4 hours; recordings and transcripts are announced later the same day
CALL_KEPT_SECONDS: Final = 86_400.0
FETCH_MARGIN_SECONDS: Final = (
    0.5  # left of the callback's deadline for the answer itself to be made and travel
)
# an answer from which a flow takes a few values; more is a mistake, or somebody else's memory
# attack
MAX_FETCH_BYTES: Final = 65_536
MAX_FETCH_REDIRECTS: Final = 3  # http to https and one move; each costs time while a caller waits
MAX_ADMIN_BYTES: Final = (
    16_777_216  # a thousand flows of 10 kB, sent at once; only those with the token may send any
)
# of the id of a call; the platform's have 36, and an index of PostgreSQL holds 2,700 bytes
MAX_CALL_ID: Final = 600
MAX_CALLBACK_BYTES: Final = (
    65_536  # the largest callback is about 2 kB with cookies and headers at their limits
)
LEDGER_POLL_SECONDS: Final = (
    0.05  # what is published on one worker is live on all well within a second; looking costs 5 µs
)
# after a change of what is live: by then each worker knows it, and calls that began before are stored
UNLOAD_DELAY_SECONDS: Final = 2.0
# Workers are replaced where most of what each serves is a copy of its own: of so many states, which
# take some 10 MB, and for so long, as a change seldom comes alone.
MIN_RENEWAL_STATES: Final = 1_000
RENEWAL_DELAY_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 60.0  # a release that nobody needs costs disk and memory, not time
RELEASES_KEPT: Final = 20  # a week of edits to go back to; their contents are shared
REPORT_SECONDS: Final = 10.0  # nobody waits for a report that is tried again
# a worker that stops in the middle of an attempt leaves the report to others after this; longer than
# an attempt and what it takes to note its outcome
REPORT_LEASE_SECONDS: Final = 2 * REPORT_SECONDS
MAX_CONCURRENT_REPORTS: Final = 64  # of one worker, to all receivers
REPORTS_PER_RECEIVER: Final = 4  # so that one that hangs leaves room for sixteen others
MAX_UNSTORED_REPORTS: Final = 10_000  # of one worker, in memory while the store is away
REPORT_PAUSE_SECONDS: Final = 1.0  # before the first new try; doubled after each
REPORT_KEPT_SECONDS: Final = (
    86_400.0  # a system that is down for longer has its call records looked at by people
)

# --- connections to the server
# --------------------------------------------------------------------------------------------

# No proxy may keep an idle connection longer than the server, or it sends a callback into one that
# is just closed. Of those that say a time, the load balancer of Google Cloud keeps them longest,
# for 600 s (caddy 120 s, traefik 90 s, nginx and AWS 60 s).
DEFAULT_KEEP_ALIVE_SECONDS: Final = 650.0
# A callback is one or two packets. The platform itself waits for an answer for half of this.
REQUEST_SECONDS: Final = 10.0
# Of the file descriptors of a worker, what is kept free: its own files and databases, connections
# for lookups, and the callbacks that come next.
MIN_RESERVED_DESCRIPTORS: Final = 16
MAX_RESERVED_DESCRIPTORS: Final = 4096
# As many as fifty thousand connections need. Beyond that, programs that are started close
# descriptors for seconds.
MAX_DESCRIPTORS: Final = 65_536
# A worker that is replaced goes on with its idle connections for so long, and says with each answer
# that it closes: a proxy hears of it then, and not while it sends.
RETIRE_SECONDS: Final = 30.0
# A worker says ten times in this that it is well. One that is silent hangs.
SILENT_WORKER_SECONDS: Final = 30.0
# Longer than any callback may take; what still hangs then never ends.
WORKER_GRACE_SECONDS: Final = 30
# A worker that does not come up is tried again after a second, then twice as long each time.
MAX_WORKER_PAUSE_SECONDS: Final = 30.0

# A file with a secret: keys and tokens are short, and several keys of the cookie are, too.
MAX_SECRET_FILE_BYTES: Final = 65_536

# What a worker that ends waits for OpenTelemetry to export the last of its spans: a collector answers
# in milliseconds, and one that is away must not delay an upgrade.
TELEMETRY_FLUSH_SECONDS: Final = 3.0

# Of flows, and of states in which calls end, that metrics tell apart: each is a line of each scrape.
MAX_METRIC_SERIES: Final = 1000

# A sign of life for the service manager costs nothing, and is sent at least so often.
MAX_WATCHDOG_PAUSE_SECONDS: Final = 10.0

# some seven thousand callbacks, and the write-ahead log beside them
MIN_JOURNAL_BYTES: Final = 32_000_000

# --- the cache of `check`
# --------------------------------------------------------------------------------------------

MAX_CACHED_CHECKS: Final = 100  # the edits of a day can be undone; each is a few hundred bytes
MAX_CACHED_CHECK_BYTES: Final = 4_000_000  # the summaries of 10,000 flows
MIN_SUMMARIZED_FLOWS: Final = 10  # fewer are compiled while their summaries would be read
# more are compiled in parts after a change, and scenarios need all of them: that is left to `test`
MAX_FLOWS_CHECKED_WITH_SCENARIOS: Final = 200  # some 0.6 seconds
CHECK_CACHE_DAYS: Final = 30  # after that, what is not in use is of another version
