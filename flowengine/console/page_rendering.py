"""Pages from templates."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from flowengine.console.access import get_user
from flowengine.console.call_words import describe_lookup, format_duration, format_end
from flowengine.console.console_context import ConsoleContext
from flowengine.console.first_calls import build_load_command
from flowengine.journal.format_calls import format_time
from flowengine.journal.passage_counts import is_failure

CONSOLE_FOLDER = Path(__file__).parent
NAVIGATION = (
    ("/", "Phone"),
    ("/flows", "Flows"),
    ("/calls", "Calls"),
    ("/live", "Live"),
    ("/releases", "Releases"),
    ("/lines", "Lines"),
    ("/problems", "Problems"),
)
PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(CONSOLE_FOLDER / "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def get_context(request: Request) -> ConsoleContext:
    context: ConsoleContext = request.app.state.context
    return context


def render_page(
    request: Request, template: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page. Its template extends base.html, and knows `user`, `project`, `settings` and how to
    make the first calls.
    """
    context, path = get_context(request), request.scope["path"]
    shown = PAGES.get_template(template).render(
        values,
        navigation=NAVIGATION,
        current=find_section(path),
        user=get_user(request),
        project=context.project.latest,
        place=context.project.place,
        settings=context.settings,
        load_command=build_load_command(context.settings.server, context.project.latest.release),
    )
    return HTMLResponse(shown, status)


def find_section(path: str) -> str:
    """The entry of the navigation that a path belongs to.

    >>> find_section("/flows/line/states/menu")
    '/flows'
    """
    first = f"/{path.strip('/').partition('/')[0]}"
    if first == "/changes":
        return "/releases"
    return first if first in dict(NAVIGATION) else ""


def format_iso_time(seconds: float) -> str:
    """A time for the `datetime` of HTML.

    >>> format_iso_time(0.5), format_utc_time(0.5)
    ('1970-01-01T00:00:00.500Z', '1970-01-01 00:00:00 UTC')
    """
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def format_utc_time(seconds: float) -> str:
    """A time for a browser without scripts."""
    return f"{format_time(seconds)} UTC"


PAGES.filters |= {
    "iso_time": format_iso_time,
    "utc_time": format_utc_time,
    "end_words": format_end,
    "has_failed": is_failure,
    "duration": format_duration,
    "lookup_words": describe_lookup,
}
