"""What must hold when a call is over."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.doubles import LookupDoubles, matches_wildcard
from flowengine.scenarios.heard_words import check_absent, check_present
from flowengine.scenarios.result import ExpectationMissedError, Failure
from flowengine.scenarios.scenario_checks import to_authored_dict
from flowengine.scenarios.scenario_loader import Case
from flowengine.switch.switch_events import AnswerReceived, LegJoined, LegRinging, Remark

ENDER_BY_REASON = {
    "CALLERHANGUP": "caller",
    "CANCEL": "caller",
    "CALLEEHANGUP": "callee",
    "MANAGERHANGUP": "flow",
}


def check_then(case: Case, talk: Conversation, lookups: LookupDoubles) -> Iterator[Failure]:
    """Everything that does not hold."""
    checks: Mapping[str, Callable[[Any], None]] = {
        "hears": lambda texts: check_present("the caller", texts, talk.get_heard_text()),
        "does not hear": lambda texts: check_absent("the caller", texts, talk.get_heard_text()),
        "callee hears": lambda texts: check_present(
            "the callee", texts, talk.get_heard_text("far")
        ),
        "connected to": lambda to: check_connected(talk, to),
        "state": lambda place: check_state(talk, place),
        "vars": lambda values: check_variables(talk, values),
        "requests": lambda texts: check_requests(lookups, texts),
        "recording": lambda wanted: check_recording(talk, wanted),
        "result": lambda text: check_ending(talk, "result", text),
        "reason": lambda text: check_ending(talk, "reason", text),
        "ended by": lambda who: check_ended_by(talk, who),
        "reported": lambda status: check_reported(talk, status),
        "apology": lambda wanted: check_apology(talk, wanted=wanted),
    }
    for key, value in to_authored_dict(case.then).items():
        try:
            checks[key](value)
        except ExpectationMissedError as missed:
            yield Failure(case.get_then_span(key), missed.message, missed.expected, missed.found)
    for place, (double, taken) in enumerate(lookups.count_uses()):
        if taken < double.times:
            times = "never" if not taken else f"only {taken} of {double.times} times"
            yield Failure(case.get_lookup_span(place), f"this lookup was {times} made", str(double))
    yield from find_refused_answers(case, talk)


def find_refused_answers(case: Case, talk: Conversation) -> Iterator[Failure]:
    """Answers that the platform would not take."""
    for item in talk.events:
        if isinstance(item, AnswerReceived):
            about = f"the answer to {item.event}"
        elif isinstance(item, Remark) and item.about != "patch":
            about = f"the {item.about}"
        else:
            continue
        for finding in item.illegal:
            found = ": ".join(filter(None, (finding.where, finding.message)))
            yield Failure(case.span, f"the platform refuses {about}: {found}")


def check_connected(talk: Conversation, to: str) -> None:
    """The party that was called, or the room that was joined, last; or a party who is there, too."""
    found, party = list_destinations(talk), talk.parties.find(to)
    if party and talk.parties.is_with(party, talk.call):
        return
    to = party.address if party else to
    if not found or not matches_wildcard(to.removeprefix("sip:"), found[-1].removeprefix("sip:")):
        raise ExpectationMissedError(
            "the call was not connected to this", to, found[-1] if found else "nobody"
        )


def list_destinations(talk: Conversation) -> list[str]:
    return [
        item.to for item in talk.events if isinstance(item, (LegRinging, LegJoined)) and item.to
    ]


def check_state(talk: Conversation, place: str) -> None:
    known = talk.backend_call
    call = known.call if known else None
    if call is None or place not in (call.state, f"{call.flow}.{call.state}"):
        raise ExpectationMissedError(
            "the call ended in another state", place, call.state if call else "none"
        )


def check_variables(talk: Conversation, wanted: Mapping[str, Any]) -> None:
    values = talk.backend_call.values if talk.backend_call else {}
    for name, value in wanted.items():
        found = values.get(name)
        if found != value and str(found) != str(value):
            raise ExpectationMissedError(
                f"{name} has another value", format_json(value), format_json(found)
            )


def format_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def check_requests(lookups: LookupDoubles, wanted: list[str]) -> None:
    made = [f"{item.service}: {item.method} {item.path}" for item in lookups.made_requests]
    if len(made) != len(wanted) or not all(map(matches_wildcard, wanted, made)):
        raise ExpectationMissedError(
            "other lookups were made", "; ".join(wanted) or "none", "; ".join(made) or "none"
        )


def check_recording(talk: Conversation, wanted: bool | str) -> None:
    found = [
        place
        for item in talk.events
        if isinstance(item, AnswerReceived)
        for place in list_recording_urls(item.body)
    ]
    if isinstance(wanted, str):
        if not any(matches_wildcard(wanted, place) for place in found):
            raise ExpectationMissedError(
                "the call was not recorded to this", wanted, ", ".join(found) or "no recording"
            )
    elif wanted is not bool(found):
        raise ExpectationMissedError(
            "the call was not recorded" if wanted else "the call was recorded", "", ", ".join(found)
        )


def list_recording_urls(body: bytes) -> list[str]:
    """Where the recordings that an answer starts are kept."""
    try:
        answer = msgspec.json.decode(body) if body else {}
    except msgspec.DecodeError:
        return []
    items = answer.get("instructions", ()) if isinstance(answer, dict) else ()
    return [
        str(item.get("options", {}).get("destinationUrl", ""))
        for item in items
        if item.get("name") == "startRecording"
    ]


def check_ending(talk: Conversation, what: str, wanted: str) -> None:
    found = str(getattr(talk.call.ended, what, ""))
    if found.casefold() != wanted.casefold():
        raise ExpectationMissedError(f"the call ended with another {what}", wanted, found)


def check_ended_by(talk: Conversation, wanted: str) -> None:
    found, reason = find_ender(talk), talk.call.ended.reason if talk.call.ended else ""
    if found != wanted:
        raise ExpectationMissedError(
            f"the call was not ended by the {wanted}", wanted, f"{found} ({reason})"
        )


def find_ender(talk: Conversation) -> str:
    """Who ended the call. Whom a placed call calls is the caller here, and for the platform the
    callee until connected further.
    """
    found, near = (
        ENDER_BY_REASON.get(talk.call.ended.reason if talk.call.ended else "", "platform"),
        talk.get_near_leg(),
    )
    return "caller" if found == "callee" and near is not None and near.role == "callee" else found


def check_reported(talk: Conversation, wanted: str) -> None:
    found = talk.call.status_report[0]
    if found != wanted:
        raise ExpectationMissedError(
            "the flow gave another verdict on the call", wanted, found or "none"
        )


def check_apology(talk: Conversation, *, wanted: bool) -> None:
    """The apology of last resort must be expected, or not come."""
    trace = [
        entry
        for step in (talk.backend_call.steps if talk.backend_call else ())
        for entry in step.trace
    ]
    heard = any(entry.what == "apology" for entry in trace)
    if heard is not wanted:
        why = next(
            (
                f"{entry.flow}.{entry.state} {entry.what}"
                for entry in trace
                if entry.what.startswith("failed: ")
            ),
            "",
        )
        raise ExpectationMissedError(
            "the caller heard the apology of last resort"
            if heard
            else "the caller did not hear the apology",
            "",
            why,
        )
