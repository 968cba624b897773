"""What must hold when a call is over."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from flowengine.scenarios.checks import asdict
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.doubles import Lookups, fits
from flowengine.scenarios.hearing import absent, present
from flowengine.scenarios.load import Case
from flowengine.scenarios.result import Failure, Missed
from flowengine.switch.happenings import Joined, Remark, Ringing, Told

ENDED_BY = {
    "CALLERHANGUP": "caller",
    "CANCEL": "caller",
    "CALLEEHANGUP": "callee",
    "MANAGERHANGUP": "flow",
}


def verdict(case: Case, talk: Conversation, lookups: Lookups) -> Iterator[Failure]:
    """Everything that does not hold."""
    checks: Mapping[str, Callable[[Any], None]] = {
        "hears": lambda texts: present("the caller", texts, talk.text()),
        "does not hear": lambda texts: absent("the caller", texts, talk.text()),
        "callee hears": lambda texts: present("the callee", texts, talk.text("far")),
        "connected to": lambda to: connected(talk, to),
        "state": lambda place: state(talk, place),
        "vars": lambda values: variables(talk, values),
        "requests": lambda texts: requests(lookups, texts),
        "recording": lambda wanted: recording(talk, wanted),
        "result": lambda text: ended(talk, "result", text),
        "reason": lambda text: ended(talk, "reason", text),
        "ended by": lambda who: ended_by(talk, who),
        "reported": lambda status: reported(talk, status),
        "apology": lambda wanted: apology(talk, wanted=wanted),
    }
    for key, value in asdict(case.then).items():
        try:
            checks[key](value)
        except Missed as missed:
            yield Failure(case.then_span(key), missed.message, missed.expected, missed.found)
    for place, (double, taken) in enumerate(lookups.counted()):
        if taken < double.times:
            times = "never" if not taken else f"only {taken} of {double.times} times"
            yield Failure(case.lookup_span(place), f"this lookup was {times} made", str(double))
    yield from refused(case, talk)


def refused(case: Case, talk: Conversation) -> Iterator[Failure]:
    """Answers that the platform would not take."""
    for item in talk.happenings:
        if isinstance(item, Told):
            about = f"the answer to {item.event}"
        elif isinstance(item, Remark) and item.about != "patch":
            about = f"the {item.about}"
        else:
            continue
        for finding in item.illegal:
            found = ": ".join(filter(None, (finding.where, finding.message)))
            yield Failure(case.span, f"the platform refuses {about}: {found}")


def connected(talk: Conversation, to: str) -> None:
    """Whoever was called, or the room that was joined, last."""
    found = destinations(talk)
    if not found or not fits(to.removeprefix("sip:"), found[-1].removeprefix("sip:")):
        raise Missed("the call was not connected to this", to, found[-1] if found else "nobody")


def destinations(talk: Conversation) -> list[str]:
    return [item.to for item in talk.happenings if isinstance(item, (Ringing, Joined)) and item.to]


def state(talk: Conversation, place: str) -> None:
    known = talk.known
    call = known.call if known else None
    if call is None or place not in (call.state, f"{call.flow}.{call.state}"):
        raise Missed("the call ended in another state", place, call.state if call else "none")


def variables(talk: Conversation, wanted: Mapping[str, Any]) -> None:
    values = talk.known.values if talk.known else {}
    for name, value in wanted.items():
        found = values.get(name)
        if found != value and str(found) != str(value):
            raise Missed(f"{name} has another value", shown(value), shown(found))


def shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def requests(lookups: Lookups, wanted: list[str]) -> None:
    made = [f"{item.service}: {item.method} {item.path}" for item in lookups.made]
    if len(made) != len(wanted) or not all(map(fits, wanted, made)):
        raise Missed(
            "other lookups were made", "; ".join(wanted) or "none", "; ".join(made) or "none"
        )


def recording(talk: Conversation, wanted: bool | str) -> None:
    found = [
        place
        for item in talk.happenings
        if isinstance(item, Told)
        for place in recordings(item.body)
    ]
    if isinstance(wanted, str):
        if not any(fits(wanted, place) for place in found):
            raise Missed(
                "the call was not recorded to this", wanted, ", ".join(found) or "no recording"
            )
    elif wanted is not bool(found):
        raise Missed(
            "the call was not recorded" if wanted else "the call was recorded", "", ", ".join(found)
        )


def recordings(body: bytes) -> list[str]:
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


def ended(talk: Conversation, what: str, wanted: str) -> None:
    found = str(getattr(talk.call.ended, what, ""))
    if found.casefold() != wanted.casefold():
        raise Missed(f"the call ended with another {what}", wanted, found)


def ended_by(talk: Conversation, wanted: str) -> None:
    found, reason = ender(talk), talk.call.ended.reason if talk.call.ended else ""
    if found != wanted:
        raise Missed(f"the call was not ended by the {wanted}", wanted, f"{found} ({reason})")


def ender(talk: Conversation) -> str:
    """Who ended the call. Whom a placed call calls is the caller here, and for the platform the
    callee until connected further.
    """
    found, near = (
        ENDED_BY.get(talk.call.ended.reason if talk.call.ended else "", "platform"),
        talk.near(),
    )
    return "caller" if found == "callee" and near is not None and near.role == "callee" else found


def reported(talk: Conversation, wanted: str) -> None:
    found = talk.call.report[0]
    if found != wanted:
        raise Missed("the flow gave another verdict on the call", wanted, found or "none")


def apology(talk: Conversation, *, wanted: bool) -> None:
    """The apology of last resort must be expected, or not come."""
    trace = [entry for step in (talk.known.steps if talk.known else ()) for entry in step.trace]
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
        raise Missed(
            "the caller heard the apology of last resort"
            if heard
            else "the caller did not hear the apology",
            "",
            why,
        )
