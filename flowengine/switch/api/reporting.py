"""Route 17: the reporting API."""

from datetime import UTC, datetime, timedelta

from flowengine.switch.api.asked import Answer, Asked, told
from flowengine.switch.api.desk import Desk
from flowengine.switch.api.recordings import BEGIN, END
from flowengine.switch.errors import ApiError
from flowengine.switch.kept import Report

DOMAINS = {"data": "mxp", "pstn": "pstn"}
REFRESHED = timedelta(minutes=2)


def user_calls(desk: Desk, asked: Asked) -> Answer:
    """How many calls somebody had, to apps (data) or to phones (pstn)."""
    domain = DOMAINS.get(asked.path.get("domain", "data"))
    if domain is None:
        raise ApiError(40001, "Invalid parameters: the domain is data or pstn")
    begin, end = asked.time("_start", BEGIN), asked.time("_stop", END)
    infos = [
        item.info
        for item in desk.kept.reports.values()
        if counts(item, asked, domain) and begin <= when(item) <= end
    ]
    good = [info for info in infos if info.get("result") == "ANSWERED"]
    seconds = sum(int(info.get("duration") or 0) for info in good)
    return told(
        {
            "success": len(good),
            "duration": seconds,
            "failed": len(infos) - len(good),
            "start": begin,
        }
    )


def counts(report: Report, asked: Asked, domain: str) -> bool:
    """Whether it is a call of the application that asks, from or to this party."""
    who = (asked.path["type"].lower(), asked.path["endpoint"].removeprefix("+"))
    ends = [report.info.get("from"), report.info.get("to")]
    parties = [
        (str(end.get("type")).lower(), str(end.get("endpoint")).removeprefix("+"))
        for end in ends
        if end
    ]
    return (
        report.application == asked.application
        and report.info.get("domain") == domain
        and who in parties
    )


def when(report: Report) -> datetime:
    at = datetime.fromisoformat(report.info["timestamp"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def counter(desk: Desk, asked: Asked) -> Answer:
    """How many calls there are; counted anew every two minutes."""
    if asked.path["id"].lower() != "currentcalls":
        raise ApiError(40400, "Counter not found")
    key, now = asked.application, desk.clock.now()
    if key not in desk.counted or now - desk.counted[key][1] >= REFRESHED:
        going = sum(
            call.application_key == key and call.ended is None
            for call in desk.exchange.calls.values()
        )
        desk.counted[key] = (going, now)
    value, modified = desk.counted[key]
    return told({"value": value, "modified": modified})


def service(_: Desk, __: Asked) -> Answer:
    """Whoever can ask knows the answer."""
    return told({"status": "up"})
