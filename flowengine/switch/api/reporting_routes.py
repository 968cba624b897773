"""Route 17: the reporting API."""

from datetime import UTC, datetime, timedelta

from flowengine.switch.api.api_request import ApiReply, ApiRequest, build_json_reply
from flowengine.switch.api.recording_routes import EARLIEST_TIME, LATEST_TIME
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api_error import ApiError
from flowengine.switch.persistence import EndedCall

REPORT_DOMAINS = {"data": "mxp", "pstn": "pstn"}
COUNTER_INTERVAL = timedelta(minutes=2)


def count_user_calls(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """How many calls a user had, to apps (data) or to phones (pstn)."""
    domain = REPORT_DOMAINS.get(request.path.get("domain", "data"))
    if domain is None:
        raise ApiError(40001, "Invalid parameters: the domain is data or pstn")
    begin, end = request.read_time("_start", EARLIEST_TIME), request.read_time("_stop", LATEST_TIME)
    infos = [
        item.info
        for item in context.persistence.ended_calls.values()
        if is_counted(item, request, domain) and begin <= parse_call_time(item) <= end
    ]
    # only answered calls have a duration
    good = [info for info in infos if info.get("result") == "ANSWERED"]
    seconds = sum(int(info.get("duration") or 0) for info in good)
    return build_json_reply(
        {
            "success": len(good),
            "duration": seconds,
            "failed": len(infos) - len(good),
            "start": begin,
        }
    )


def is_counted(report: EndedCall, request: ApiRequest, domain: str) -> bool:
    """Whether it is a call of the application that asks, from or to this party."""
    who = (request.path["type"].lower(), request.path["endpoint"].removeprefix("+"))
    ends = [report.info.get("from"), report.info.get("to")]
    parties = [
        (str(end.get("type")).lower(), str(end.get("endpoint")).removeprefix("+"))
        for end in ends
        if end
    ]
    return (
        report.application == request.application
        and report.info.get("domain") == domain
        and who in parties
    )


def parse_call_time(report: EndedCall) -> datetime:
    at = datetime.fromisoformat(report.info["timestamp"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def get_counter(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The number of calls in progress, counted anew every two minutes."""
    if request.path["id"].lower() != "currentcalls":
        raise ApiError(40400, "Counter not found")
    key, now = request.application, context.clock.now()
    # the platform renews the counter every two minutes, so a client must not see it move sooner
    if key not in context.cached_counts or now - context.cached_counts[key][1] >= COUNTER_INTERVAL:
        going = sum(
            call.application_key == key and call.ended is None
            for call in context.exchange.calls.values()
        )
        context.cached_counts[key] = (going, now)
    value, modified = context.cached_counts[key]
    return build_json_reply({"value": value, "modified": modified})


def get_service_status(_: SwitchContext, __: ApiRequest) -> ApiReply:
    """Always up, as the request was answered."""
    return build_json_reply({"status": "up"})
