"""Reads answers in the usual spelling in one typed pass; all others are left to the lenient reader."""

from functools import cache, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from flowengine.svaml import Svaml, decode_svaml


def read_exact(body: bytes) -> Svaml | None:
    """The answer, or None when it is not in the usual spelling (or no answer at all)"""
    try:
        _strict_decoder.decode(body)
        return decode_svaml(body)
    except (msgspec.MsgspecError, RecursionError):
        return None


@cache
def _build_strict_struct(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct, but it takes no property that it does not know"""
    config = kind.__struct_config__
    fields = [
        (f.name, _to_strict_type(f.type), _copy_field(f)) for f in msgspec.structs.fields(kind)
    ]
    return msgspec.defstruct(
        kind.__name__,
        fields,
        tag_field=config.tag_field,
        tag=config.tag,
        forbid_unknown_fields=True,
    )


def _copy_field(field: msgspec.structs.FieldInfo) -> Any:
    if field.required:
        return msgspec.field(name=field.encode_name)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(name=field.encode_name, default_factory=field.default_factory)
    return msgspec.field(name=field.encode_name, default=field.default)


def _to_strict_type(hint: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _build_strict_struct(hint)
    if get_origin(hint) in {Union, UnionType}:
        return reduce(or_, map(_to_strict_type, get_args(hint)))
    if get_origin(hint) is tuple:
        return GenericAlias(tuple, (_to_strict_type(get_args(hint)[0]), ...))
    return hint


_strict_decoder = msgspec.json.Decoder(_build_strict_struct(Svaml))
