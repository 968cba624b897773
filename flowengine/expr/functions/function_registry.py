"""The registry of helper functions; signatures come from the annotations of the Python function."""

import inspect
from collections.abc import Callable, Mapping
from itertools import product
from types import MappingProxyType, ModuleType, UnionType
from typing import Any, Final, TypeVar

import msgspec

from flowengine.expr.types import Type

_TYPE_BY_ANNOTATION: Final[Mapping[Any, Type]] = {
    str: Type.TEXT,
    int: Type.INTEGER,
    float: Type.DECIMAL,
    bool: Type.BOOLEAN,
    list[Any]: Type.LIST,
    Any: Type.ANY,
}
_F = TypeVar("_F", bound=Callable[..., Any])


class Overload(msgspec.Struct, frozen=True):
    """One way to call a function."""

    name: str
    parameters: tuple[Type, ...]
    returns: Type
    call: Callable[..., Any]


class Function(msgspec.Struct, frozen=True):
    """A helper function as documentation shows it: `example` evaluates to `result`."""

    name: str
    signature: str
    meaning: str
    example: str
    result: Any
    overloads: tuple[Overload, ...]


def declare_function(
    meaning: str, example: str, result: Any, *, name: str = ""
) -> Callable[[_F], _F]:
    """Declare a helper function, under another `name` where Python has that name already."""

    def declare(call: _F) -> _F:
        call.__flow__ = _document_function(name or call.__name__, call, meaning, example, result)  # type: ignore[attr-defined]
        return call

    return declare


def collect_functions(*modules: ModuleType) -> Mapping[str, Function]:
    found = [
        item.__flow__
        for module in modules
        for item in vars(module).values()
        if hasattr(item, "__flow__")
    ]
    return MappingProxyType({one.name: one for one in sorted(found, key=lambda one: one.name)})


def _document_function(
    name: str, call: Callable[..., Any], meaning: str, example: str, result: Any
) -> Function:
    signature = inspect.signature(call)
    parameters = list(signature.parameters.values())
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    kinds = [_parse_annotation(parameter.annotation) for parameter in parameters]
    returns = _TYPE_BY_ANNOTATION[signature.return_annotation]
    overloads = (
        Overload(name, chosen, returns, call)
        for count in range(required, len(kinds) + 1)
        for chosen in product(*kinds[:count])
    )
    shown = ", ".join(
        f"{parameter.name}: {' | '.join(kind)}{_format_default(parameter)}"
        for parameter, kind in zip(parameters, kinds, strict=True)
    )
    return Function(
        name, f"{name}({shown}) -> {returns}", meaning, example, result, tuple(overloads)
    )


def _parse_annotation(annotation: Any) -> tuple[Type, ...]:
    return (
        tuple(_TYPE_BY_ANNOTATION[one] for one in annotation.__args__)
        if isinstance(annotation, UnionType)
        else (_TYPE_BY_ANNOTATION[annotation],)
    )


def _format_default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return ""
    if parameter.name == "locale":
        return " = call.locale"
    return (
        f' = "{parameter.default}"'
        if isinstance(parameter.default, str)
        else f" = {parameter.default}"
    )
