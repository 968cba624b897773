"""What a compiled project is, in values that can be compared: expressions by what they give,
machines by where they lead.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from transitions import Machine

from flowengine.compile import CompileResult
from flowengine.expr import Calendar, EvalError, Expression, Template, Type
from flowengine.source import Document

SAMPLES = {
    Type.TEXT: "10",
    Type.INTEGER: 3,
    Type.DECIMAL: 2.5,
    Type.BOOLEAN: True,
    Type.ANY: {"name": "x"},
}


def outcome(made: CompileResult) -> Any:
    """Everything that compiling says."""
    programs = {name: likeness(program) for name, program in made.programs.items()}
    return (
        made.problems,
        dict(made.sources),
        programs,
        list(made.programs),
        made.release and release(made.release),
    )


def release(made: Any) -> Any:
    same = {
        name: likeness(getattr(made, name))
        for name in made.__struct_fields__
        if name not in ("computed_names", "programs")
    }
    return {**same, "computed_names": list(made.computed_names), "programs": list(made.programs)}


def likeness(value: Any) -> Any:
    return next(show(value) for kind, show in SHOWN if isinstance(value, kind))


def parts(value: Any) -> Any:
    names = (
        [field.name for field in fields(value)] if is_dataclass(value) else value.__struct_fields__
    )
    return type(value).__name__, [
        (name, likeness(getattr(value, name)))
        for name in names
        if not name.startswith("_")  # what checks have computed of it so far
    ]


def leads(machine: Machine) -> Any:
    return {
        name: {source: [each.dest for each in found] for source, found in event.transitions.items()}
        for name, event in machine.events.items()
    }


def given(made: Expression | Template) -> Any:
    """What it comes to when texts are "10", numbers 3."""
    names = {name: value for name in made.names for value in [sample(name)]}
    try:
        return repr(made.evaluate(names) if isinstance(made, Expression) else made.render(names))
    except EvalError as error:
        return error.message


def sample(name: str) -> Any:
    return {
        "vars.n": 3,
        "vars.b": True,
        "status": 200,
        "body": {"name": "x"},
        "hours.desk.open": True,
    }.get(name, "10")


SHOWN = (
    (Document, lambda document: (document.file, document.text, repr(document.data))),
    (Machine, leads),
    (
        Calendar,
        lambda made: (str(made.zone), made.weekly, made.closed, likeness(vars(made.special))),
    ),
    ((Expression, Template), lambda made: (made.text, given(made))),
    (msgspec.Struct, parts),
    (Mapping, lambda found: [(likeness(key), likeness(value)) for key, value in found.items()]),
    (frozenset, sorted),
    ((list, tuple), lambda found: [likeness(each) for each in found]),
    (
        object,
        lambda value: (
            parts(value)
            if is_dataclass(value)
            else ""
            if callable(value)
            else (type(value).__name__, value)
        ),
    ),
)
