"""A flow told state by state: when it is entered, what it sends, where it leads, what it keeps."""

from collections.abc import Iterator, Mapping
from textwrap import indent

import msgspec

from flowengine.compile import CompiledState, Program, Release
from flowengine.compile.checks import callback_contexts, cookie_size
from flowengine.explanation.state_preview import StatePreview, preview_state
from flowengine.limits import MAX_COOKIE_BYTES
from flowengine.model import CompileCache, load_project
from flowengine.states.field_types import SPECIAL_TARGETS


class FlowExplanation(msgspec.Struct, frozen=True):
    """What is known of all flows together."""

    release: Release
    entered: Mapping[tuple[str, str], tuple[str, ...]]
    cookies: Mapping[tuple[str, str], int]

    @classmethod
    def from_release(
        cls, release: Release, files: Mapping[str, bytes], memory: CompileCache | None = None
    ) -> "FlowExplanation":
        """Follow every way through the flows once. Files that `memory` knows are not read again."""
        authored, _ = load_project(files, memory)
        return cls(
            release,
            callback_contexts.find_contexts(release.programs, authored),
            cookie_size.compute_worst_case(release.programs),
        )

    def format_flow(self, name: str) -> str:
        program = self.release.programs[name]
        title = program.document.data.get("title", "")
        ways = [f"  {way}: {state}" for way, state in program.list_entries().items()]
        states = [self.format_state(program, state) for state in program.states.values()]
        return "\n".join([f"{name}: {title}" if title else name, *ways, "", *states])

    def format_state(self, program: Program, state: CompiledState) -> str:
        known = self.entered.get((program.flow, state.name), ())
        ways = ", ".join(f"{callback_contexts.CONTEXT_NAMES[way]} ({way})" for way in known)
        body = [
            *format_preview(preview_state(self.release, program, state, known)),
            *format_exits(state),
            *self.format_kept_values(program, state),
        ]
        return (
            f"  {state.name}: {state.kind}; {ways or 'never entered'}\n"
            + indent("\n".join(body), "    ")
            + "\n"
        )

    def format_kept_values(self, program: Program, state: CompiledState) -> Iterator[str]:
        size = self.cookies.get((program.flow, state.name))
        if size is not None:
            live = sorted(name.removesuffix("~") for name in program.live.get(state.name, ()))
            names = ", ".join(dict.fromkeys(live)) or "no values"
            yield f"keeps {names}; its cookie has at most {size} of {MAX_COOKIE_BYTES} bytes"


def format_preview(seen: StatePreview) -> Iterator[str]:
    if seen.asks:
        yield f"asks {seen.asks}"
    if seen.svaml:
        yield f"{seen.verb}{' (with sample values)' if seen.sampled else ''}"
        yield indent(seen.svaml, "  ")
    if seen.rings:
        yield seen.rings
    if seen.depends:
        yield f"what it sends depends on the call: {seen.depends}"


def format_exits(state: CompiledState) -> Iterator[str]:
    if state.verb.next_flow:
        yield f"goes over to the flow {state.verb.next_flow}"
    for name, target in state.exits.items():
        under = ", ".join(via for via in target.contexts if via != "same")
        yield f"{name} -> {target.state}" + (f" ({under})" if under else "")
    for key, leads in state.verb.key_targets.items():
        if leads in SPECIAL_TARGETS:
            yield f"key {key} -> {leads} (pie)"
    if state.error:
        yield f"error -> {state.error}"
