"""Answers as bytes; parts that never change are encoded once, at load, and put in as they are."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from flowengine.svaml.actions import Action, AnyAction
from flowengine.svaml.instructions import AnyInstruction, Instruction


class Svaml(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer, read back"""

    instructions: tuple[AnyInstruction, ...] = ()
    action: AnyAction | None = None


class _AnswerBody(msgspec.Struct):
    instructions: Sequence[Instruction | msgspec.Raw]
    action: Action | msgspec.Raw


class _ActionOnly(msgspec.Struct):
    action: Action | msgspec.Raw


class _InstructionsOnly(msgspec.Struct, omit_defaults=True):
    instructions: Sequence[Instruction | msgspec.Raw]


_encode_json = msgspec.json.Encoder().encode
_svaml_decoder = msgspec.json.Decoder(Svaml)


def encode_svaml(
    instructions: Sequence[Instruction | msgspec.Raw], action: Action | msgspec.Raw | None
) -> bytes:
    """The body of an answer. Without an action (DiCE, notify) there is at most a list of
    instructions.
    """
    if action is None:
        return _encode_json(_InstructionsOnly(instructions)) if instructions else b"{}"
    return (
        _encode_json(_AnswerBody(instructions, action))
        if instructions
        else _encode_json(_ActionOnly(action))
    )


def encode_fragment(value: Instruction | Action) -> msgspec.Raw:
    """An instruction or action, encoded ahead of its use in `encode_svaml`"""
    return msgspec.Raw(_encode_json(value))


def decode_svaml(body: bytes | msgspec.Raw) -> Svaml:
    """An answer of ours as values again; raises msgspec.MsgspecError for anything else"""
    return _svaml_decoder.decode(body)


def read_instruction(value: Instruction | msgspec.Raw) -> Instruction:
    return (
        msgspec.json.decode(value, type=AnyInstruction) if isinstance(value, msgspec.Raw) else value
    )


def read_action(value: Action | msgspec.Raw) -> Action:
    return msgspec.json.decode(value, type=AnyAction) if isinstance(value, msgspec.Raw) else value
