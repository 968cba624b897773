"""fetch: ask another system over HTTP, within the callback's deadline."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

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
from flowengine.limits import MAX_FETCH_SECONDS
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.assign import Scalar, convert_value
from flowengine.states.builder import CompiledService, StateBuilder, Variable
from flowengine.states.connect_actions import to_one_line
from flowengine.states.field_types import Condition, Duration, Name, StateName, parse_millis
from flowengine.states.lookup_headers import (
    clean_header_value,
    find_header_fault,
    find_value_fault,
    merge_headers,
)
from flowengine.states.state_results import Exit, LookupRequest, StateFailure, StateResult
from flowengine.states.step_context import NameBindings, StepContext

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
HTTP_METHODS = ("get", "post", "put")
ServicePath = Annotated[
    str,
    Meta(
        description="The path below the service's address; values are escaped.",
        examples=["/accounts/${vars.account}"],
    ),
]
StatusKey = Annotated[
    str,
    Meta(
        pattern=r"^([1-5][0-9]{2}|[1-5]xx|timeout)$",
        extra_json_schema={"x-hint": "write a status such as 404, 5xx, or timeout"},
    ),
]


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask another system. Exactly one of get, post, put."""

    service: Annotated[Name, Meta(description="A service of the project.", examples=["crm"])]
    get: ServicePath | UnsetType = UNSET
    post: ServicePath | UnsetType = UNSET
    put: ServicePath | UnsetType = UNSET
    body: (
        Annotated[
            dict[str, Scalar],
            Meta(
                description="Sent as JSON; texts may have `${…}`.",
                examples=[{"account": "${vars.account}"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(description="Headers beside those of the service.", examples=[{"X-Line": "support"}]),
    ] = {}
    into: Annotated[
        dict[Name, Condition],
        Meta(
            description="Variables and what they take from `body` and `status`.",
            examples=[{"name": "body.name"}],
        ),
    ] = {}
    timeout: (
        Annotated[
            Duration,
            Meta(
                description="The longest wait; never past the callback's deadline.",
                examples=["1.5s"],
            ),
        ]
        | UnsetType
    ) = UNSET
    retries: (
        Annotated[
            int,
            Meta(
                description="How often a failed connection or a 5xx is tried again, time "
                "permitting.",
                examples=[1],
                ge=0,
                le=3,
            ),
        ]
        | UnsetType
    ) = UNSET
    on: Annotated[
        dict[StatusKey, StateName],
        Meta(
            description="Exits by status: 404, 5xx or timeout.",
            examples=[{"404": "unknown_account"}],
        ),
    ] = {}
    failed: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes when the lookup fails in any other way.",
                examples=["agents"],
            ),
        ]
        | UnsetType
    ) = UNSET


@dataclass(frozen=True, slots=True)
class Capture:
    """One variable taken from the answer."""

    variable: Variable
    value: Expression


@dataclass(frozen=True, slots=True)
class CompiledFetch:
    """A lookup at work. Secrets are bound at load and live only here."""

    service: CompiledService
    method: str
    url: Template
    headers: Mapping[str, Template]
    body: Mapping[str, Any] | None
    captures: tuple[Capture, ...]
    timeout: float
    retries: int
    secrets: Mapping[str, str] = field(repr=False)
    names: frozenset[str]
    statuses: frozenset[str]
    has_failed_exit: bool
    actions = frozenset[str]()
    waits = False

    def enter(self, run: StepContext) -> StateResult:
        try:
            return self.build_request(run.bind_names(self.names, self.secrets))
        except EvalError as error:
            return self.handle_failure(run, error.message)

    def build_request(self, names: Mapping[str, Any]) -> LookupRequest:
        headers = {
            name: clean_header_value(value.render(names)) for name, value in self.headers.items()
        }
        body = b""
        if self.body is not None:
            body = msgspec.json.encode(
                {key: evaluate_value(value, names) for key, value in self.body.items()}
            )
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
        for name in (str(answer.status), f"{answer.status // 100}xx", answer.cause):
            if name in self.statuses:
                if answer.error not in ("", name):
                    run.notes.append(f"fetch failed: {answer.error}")
                return Exit(f"on {name}")
        if not 200 <= answer.status < 300:
            return self.handle_failure(run, answer.error or f"status {answer.status}")
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
            return self.handle_failure(run, error.message)
        run.names.update(values)
        return Exit("next")

    def handle_failure(self, run: StepContext, reason: str) -> StateResult:
        if not self.has_failed_exit:
            return StateFailure(reason)
        run.notes.append(f"fetch failed: {reason}")
        return Exit("failed")


def evaluate_value(value: Any, names: Mapping[str, Any]) -> Any:
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
            "declare it under services: in project.yaml",
        )
    method = find_method(builder, path, fetch)
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
    body = (
        None
        if fetch.body is UNSET
        else {
            key: compile_body_value(builder, (*path, "body", key), value)
            for key, value in fetch.body.items()
        }
    )
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


def collect_names(
    url: Template, headers: Iterable[Template | None], body: Mapping[str, Any] | None
) -> frozenset[str]:
    parts = [url, *headers, *(body or {}).values()]
    return frozenset().union(
        *(part.names for part in parts if isinstance(part, (Expression, Template)))
    )


def find_method(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> str:
    given = [name for name in HTTP_METHODS if getattr(fetch, name) is not UNSET]
    if len(given) != 1:
        builder.add_problem(
            "FE213",
            path,
            "a fetch has exactly one of get, post and put",
            "write for example `get: /accounts`",
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
    """The author's own text between the values, which are escaped."""
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


def compile_body_value(builder: StateBuilder, path: KeyPath, value: Scalar) -> Any:
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
        value = builder.compile_expression((*path, "into", name), text, late=True, scope=scope)
        if variable and value:
            found.append(Capture(variable, value))
    return tuple(found)


def add_exits(builder: StateBuilder, path: KeyPath, fetch: Fetch) -> None:
    for status, target in fetch.on.items():
        builder.add_exit(f"on {status}", target, (*path, "on", status))
    builder.add_exit("failed", fetch.failed, (*path, "failed"))
