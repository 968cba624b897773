"""Answers in the usual spelling, in one typed pass: with anything else in them, be it one property
too many, they are not for here.
"""

from functools import cache, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from flowengine.svaml import Svaml, decode


def exact(body: bytes) -> Svaml | None:
    """The answer, or None when it is not in the usual spelling (or no answer at all)"""
    try:
        _without_extras.decode(body)
        return decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return None


@cache
def _twin(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct, but it takes no property that it does not know"""
    config = kind.__struct_config__
    fields = [(f.name, _closed(f.type), _field(f)) for f in msgspec.structs.fields(kind)]
    return msgspec.defstruct(
        kind.__name__,
        fields,
        tag_field=config.tag_field,
        tag=config.tag,
        forbid_unknown_fields=True,
    )


def _field(field: msgspec.structs.FieldInfo) -> Any:
    if field.required:
        return msgspec.field(name=field.encode_name)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(name=field.encode_name, default_factory=field.default_factory)
    return msgspec.field(name=field.encode_name, default=field.default)


def _closed(hint: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _twin(hint)
    if get_origin(hint) in {Union, UnionType}:
        return reduce(or_, map(_closed, get_args(hint)))
    if get_origin(hint) is tuple:
        return GenericAlias(tuple, (_closed(get_args(hint)[0]), ...))
    return hint


_without_extras = msgspec.json.Decoder(_twin(Svaml))
