"""What became of a call: the worst outcome of its callbacks, by names and in queries."""

from typing import LiteralString

FAILED_STATE_OUTCOME = "failed"
"""A state of the flow has failed, and the flow has gone on: its callback is answered"""
UNSAVED_OUTCOME = "unsaved"
"""The session store has failed: the callback is answered from the cookie alone"""
EARLIER_OUTCOMES = {"unkept": UNSAVED_OUTCOME}
"""What outcomes are called today, by the names that rows of earlier versions have"""
OUTCOMES_BY_WEIGHT = (
    "answered",
    FAILED_STATE_OUTCOME,
    UNSAVED_OUTCOME,
    "unrouted",
    "apology",
    "error",
)
WEIGHTS = {outcome: weight for weight, outcome in enumerate(OUTCOMES_BY_WEIGHT)}
WEIGHTS |= {earlier: WEIGHTS[outcome] for earlier, outcome in EARLIER_OUTCOMES.items()}
ANY_WEIGHT = -1

# The lines of a trace that say that a state has failed (`passage_counts.is_failure`), as they stand in
# its JSON: a text in it has no quote of its own that no backslash precedes.
FAILURE_MARKS: tuple[LiteralString, ...] = (
    ',"failed"]',
    ',"failed: ',
    ',"error"]',
    ',"error: ',
)
# The same of version 2, whose rows in SQLite have the trace among what is readable.
OLD_FAILURE_MARKS: tuple[LiteralString, ...] = (
    ': failed"',
    ": failed: ",
    ': error"',
    ": error: ",
)
_WEIGHT_CASES: LiteralString = (
    "CASE outcome WHEN 'error' THEN 5 WHEN 'apology' THEN 4 WHEN 'unrouted' THEN 3 "
    "WHEN 'unsaved' THEN 2 WHEN 'unkept' THEN 2 "
    "WHEN 'answered' THEN CASE WHEN {} THEN 1 ELSE 0 END ELSE 0 END"
)
# The weight of a row with the columns `outcome`, `trace` and, in SQLite, `readable`.
_SQLITE_FAILURE: LiteralString = "CASE WHEN trace IS NULL THEN {} ELSE {} END".format(
    " OR ".join([f"instr(readable, '{mark}')" for mark in OLD_FAILURE_MARKS]),
    " OR ".join([f"instr(trace, '{mark}')" for mark in FAILURE_MARKS]),
)
SQLITE_WEIGHT: LiteralString = _WEIGHT_CASES.replace("{}", _SQLITE_FAILURE)
POSTGRESQL_WEIGHT: LiteralString = _WEIGHT_CASES.replace(
    "{}", " OR ".join([f"position('{mark}' IN trace) > 0" for mark in FAILURE_MARKS])
)
