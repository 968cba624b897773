"""fetch: ask another system over HTTP, within the callback's deadline."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta

from flowengine.expr import (
    EscapeMode,
    EvalError,
    Expression,
    Scope,
    Template,
    Type,
    find_whole_expression,
)
from flowengine.expr.interpolation import split_interpolations
from flowengine.limits import FETCH_MARGIN_SECONDS, MAX_FETCH_SECONDS
from flowengine.problems import Problem, suggest_name
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import to_one_line
from flowengine.states.fetch_options import (
    COMPUTED_KEY,
    GET_WITH_BODY,
    HTTP_METHODS,
    Fetch,
    describe_empty_value,
)
from flowengine.states.field_types import parse_millis
from flowengine.states.flow_context import CompiledService, Variable
from flowengine.states.lookup_headers import (
    clean_header_value,
    find_header_fault,
    find_value_fault,
    merge_headers,
)
from flowengine.states.state_kind import AuthoredFact, StateKind
from flowengine.states.state_results import (
    OTHER_FAILURE,
    Exit,
    LookupRequest,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import NameBindings, StepContext
from flowengine.states.variable_values import convert_value
from flowengine.states.verb import NoEffect, Verb, WrittenValue

EXAMPLE = """
look_up:
  fetch:
    service: crm
    get: /accounts/${vars.account}
    into: {name: body.name, tier: body.tier}
    timeout: 1.5s
    on: {404: unknown_account}
    failed: agents
  next: greet
"""


class Capture(msgspec.Struct, frozen=True):
    """One variable taken from the answer."""

    variable: Variable
    value: Expression


@dataclass(frozen=True, slots=True)
class CompiledFetch(Verb):
    """Makes a lookup. It is the only place that holds its secrets, bound when the release is
    loaded.
    """

    service: CompiledService
    method: str
    url: Template
    headers: Mapping[str, Template]
    body: dict[str, Any] | list[Any] | None
    captures: tuple[Capture, ...]
    timeout: float
    retries: int
    secrets: Mapping[str, str] = field(repr=False)
    names: frozenset[str]
    statuses: frozenset[str]
    has_failed_exit: bool
    actions = frozenset[str]()
    writing_exits = frozenset({"next"})
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        try:
            return self.build_request(run.bind_names(self.names, self.secrets))
        except EvalError as error:
            return self.handle_failure(run, error.message, OTHER_FAILURE)

    @property
    def is_failure_likely(self) -> bool:
        return not self.has_failed_exit

    @property
    def lookup_service(self) -> CompiledService:
        return self.service

    @property
    def lookup_statuses(self) -> frozenset[str]:
        return self.statuses

    def list_written_values(self) -> Iterator[WrittenValue]:
        for capture in self.captures:
            yield WrittenValue(capture.variable, capture.value, ("into", capture.variable.name))

    def find_no_effects(self, authored: Any, deadline: float) -> Iterator[NoEffect]:
        """A timeout that is longer than the callback's deadline."""
        most = deadline - FETCH_MARGIN_SECONDS
        if self.timeout > most and "timeout" in authored:
            yield NoEffect(
                ("timeout",),
                f"a lookup is cut off after {most:g}s, as the platform waits {deadline:g}s for an "
                "answer",
                f"write `timeout: {most:g}s` or less",
            )

    def build_request(self, names: Mapping[str, Any]) -> LookupRequest:
        headers = {
            name: clean_header_value(value.render(names)) for name, value in self.headers.items()
        }
        body = b""
        if self.body is not None:
            body = msgspec.json.encode(evaluate_body(self.body, names))
            # an author's content-type wins
            headers = merge_headers({"content-type": "application/json"}, headers)
        return LookupRequest(
            self.service.name,
            self.method,
            self.service.url + self.url.render(names),
            headers,
            body,
            self.timeout,
            self.retries,
        )

    def resume(self, run: StepContext) -> StateResult:
        answer = run.lookup_result
        if answer is None:
            return self.enter(run)
        # the most specific exit wins
        for name in (str(answer.status), f"{answer.status // 100}xx", answer.cause):
            if name in self.statuses:
                if answer.error not in ("", name):
                    run.notes.append(f"fetch failed: {answer.error}")
                return Exit(f"on {name}")
        if not 200 <= answer.status < 300:
            status = f"status {answer.status}"
            return self.handle_failure(run, answer.error or status, answer.cause or status)
        return self.capture_response(run, {"body": answer.body, "status": answer.status})

    def capture_response(self, run: StepContext, answer: Mapping[str, Any]) -> StateResult:
        try:
            names = NameBindings.from_values(
                {**run.names, **answer}, run.names.computed, run.event, run.names.now
            )
            values = {
                f"vars.{item.variable.name}": convert_value(
                    item.value.evaluate(names), item.variable, run.notes
                )
                for item in self.captures
            }
        except EvalError as error:
            return self.handle_failure(run, error.message, "answer")
        # all or none: a failing capture must not leave half of an answer
        run.names.update(values)
        return Exit("next")

    def handle_failure(self, run: StepContext, reason: str, cause: str) -> StateResult:
        if not self.has_failed_exit:
            return StateFailure(reason, cause)
        run.notes.append(f"fetch failed: {reason}")
        return Exit("failed", failure=cause)


def evaluate_body(value: Any, names: Mapping[str, Any]) -> Any:
    """The value of a part of a body with what it holds; a body nests as deep as YAML may."""
    if isinstance(value, dict):
        return {key: evaluate_body(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [evaluate_body(one, names) for one in value]
    if isinstance(value, Expression):
        return value.evaluate(names)
    return value.render(names) if isinstance(value, Template) else value


def compile_fetch(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> CompiledFetch | None:
    service = builder.context.services.get(fetch.service)
    if service is None:
        builder.add_problem(
            "FE202",
            (*path, "service"),
            f"there is no service {fetch.service}",
            suggest_name(fetch.service, sorted(builder.context.services))
            or "declare it under services: in project.yaml",
        )
    method = find_method(builder, path, fetch)
    # secrets can be read in headers alone: paths are logged on their way
    secret_scope = builder.scope.extend(dict.fromkeys(builder.context.secrets, Type.TEXT))
    url = (
        builder.compile_template((*path, method), str(getattr(fetch, method)), EscapeMode.URL)
        if method
        else None
    )
    headers = {
        name: compile_header(builder, (*path, "headers", name), secret_scope, fetch.headers)
        for name in fetch.headers
    }
    body = None
    if fetch.body is not UNSET:
        body = compile_body(builder, (*path, "body"), fetch.body)
        check_body(builder, (*path, "body"), method)
    captures = compile_captures(builder, path, fetch)
    add_exits(builder, path, fetch)
    if service is None or url is None:
        return None
    return CompiledFetch(
        service=service,
        method=method.upper(),
        url=url,
        headers=merge_headers(
            service.headers, {name: text for name, text in headers.items() if text}
        ),
        body=body,
        captures=captures,
        # a longer one could never end in time for the answer
        timeout=min(get_timeout_seconds(fetch, service), MAX_FETCH_SECONDS),
        retries=fetch.retries if isinstance(fetch.retries, int) else service.retries,
        secrets=builder.context.secrets,
        names=collect_names(url, (*service.headers.values(), *headers.values()), body),
        statuses=frozenset(fetch.on),
        has_failed_exit=fetch.failed is not UNSET,
    )


def get_timeout_seconds(fetch: Fetch, service: CompiledService) -> float:
    return parse_millis(fetch.timeout) / 1000 if isinstance(fetch.timeout, str) else service.timeout


def compile_header(
    builder: StateBuilder, path: KeyPath, scope: Scope, headers: Mapping[str, str]
) -> Template | None:
    name = str(path[-1])
    if fault := find_header_fault(name, headers):
        builder.problems.append(Problem("FE510", builder.document.find_key_span(path), *fault))
    template = builder.compile_template(path, headers[name], scope=scope)
    if template is not None and (message := find_value_fault(template)):
        builder.add_problem(
            "FE511", path, message, "write the value on one line, with > or in quotes"
        )
    return template


def collect_names(url: Template, headers: Iterable[Template | None], body: Any) -> frozenset[str]:
    parts = [url, *headers, *iterate_body_values(body)]
    return frozenset().union(
        *(part.names for part in parts if isinstance(part, (Expression, Template)))
    )


def iterate_body_values(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from iterate_body_values(one)
    else:
        yield value


def find_method(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> str:
    given = [name for name in HTTP_METHODS if getattr(fetch, name) is not UNSET]
    if len(given) != 1:
        builder.add_problem(
            "FE213",
            (*path, given[1]) if given else path,
            "a fetch has exactly one of get, post, put, patch and delete",
            "keep one of them" if given else "write for example `get: /accounts`",
            at_key=True,
        )
        return ""
    if not re.match(r"^/", str(getattr(fetch, given[0]))):
        builder.add_problem(
            "FE214",
            (*path, given[0]),
            "the path of a fetch starts with /",
            "the service in project.yaml has the address in front of it",
        )
    check_path(builder, (*path, given[0]), str(getattr(fetch, given[0])))
    return given[0]


def check_path(builder: StateBuilder, path: KeyPath, text: str) -> None:
    """Check the author's own text in a path; values are escaped."""
    own = "".join(part for part in split_interpolations(text) if isinstance(part, str))
    if "#" in own:
        builder.add_problem(
            "FE512",
            path,
            "a # and what follows it is never sent",
            "write %23 for a # that the service is to see",
        )
    elif to_one_line(own) != own:
        builder.add_problem(
            "FE512", path, "a path has one line", "write it on one line, with > or in quotes"
        )


def check_body(builder: StateBuilder, path: KeyPath, method: str) -> None:
    if method == "get":
        builder.add_problem("FE515", path, *GET_WITH_BODY, at_key=True)
    for empty in builder.document.find_empty_values(path):
        span = builder.document.find_key_span(empty)
        builder.problems.append(Problem("FE152", span, *describe_empty_value(empty)))


def compile_body(builder: StateBuilder, path: KeyPath, value: Any) -> Any:
    """A part of a body with expressions and templates in place of its texts."""
    if isinstance(value, dict):
        for key in value:
            if "${" in str(key):
                builder.add_problem("FE515", (*path, key), *COMPUTED_KEY, at_key=True)
        return {key: compile_body(builder, (*path, key), one) for key, one in value.items()}
    if isinstance(value, list):
        return [compile_body(builder, (*path, place), one) for place, one in enumerate(value)]
    if not isinstance(value, str):
        return value
    inside = find_whole_expression(value)
    if inside is not None:
        return builder.compile_expression(path, inside)
    return builder.compile_template(path, value)


def compile_captures(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> tuple[Capture, ...]:
    scope = builder.scope.extend({"body": Type.ANY, "status": Type.INTEGER})
    found = []
    for name, text in fetch.into.items():
        variable = builder.register_write(name, (*path, "into", name))
        if variable is None:
            builder.compile_expression((*path, "into", name), text, late=True, scope=scope)
        elif value := builder.compile_capture((*path, "into", name), text, variable, scope):
            found.append(Capture(variable, value))
    return tuple(found)


def add_exits(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> None:
    for status, target in fetch.on.items():
        builder.add_exit(f"on {status}", target, (*path, "on", status))
    builder.add_exit("failed", fetch.failed, (*path, "failed"))


def summarise_fetch(authored: Mapping[str, Any]) -> str:
    method = next((name for name in HTTP_METHODS if name in authored), "")
    return f"{authored['service']}: {method} {authored[method]}" if method else ""


def list_fetch_facts(authored: Fetch) -> Iterator[AuthoredFact]:
    """The facts of a lookup; those that it does not state come from its service."""
    yield AuthoredFact("topic", f"service {authored.service}", None)
    yield AuthoredFact("service", authored.service, ("timeout", "retries"))


FETCH_KIND = StateKind(
    "fetch",
    "Ask another system over HTTP",
    EXAMPLE,
    Annotated[
        Fetch,
        Meta(
            title="fetch",
            description="Ask another system over HTTP.",
            examples=[
                {
                    "service": "crm",
                    "get": "/accounts/${vars.account}",
                    "into": {"name": "body.name"},
                }
            ],
        ),
    ],
    compile_fetch,
    "same",
    shape="lookup",
    summarise=summarise_fetch,
    is_summary_first=True,
    list_facts=list_fetch_facts,
    data_keys=frozenset({"into", "headers", "body", "on"}),
    identifying_options=frozenset({"service", *HTTP_METHODS}),
)
