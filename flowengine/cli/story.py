"""A flow told state by state: when it is entered, what it sends, where it leads, what it keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

from flowengine.cli.preview import Preview, preview
from flowengine.compile import CompiledState, Program, Release
from flowengine.compile.checks import contexts, cookie
from flowengine.compile.checks.ways import special_keys
from flowengine.limits import MAX_COOKIE_BYTES
from flowengine.model import load
from flowengine.states.fields import SPECIAL


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of all flows together."""

    release: Release
    entered: Mapping[tuple[str, str], tuple[str, ...]]
    cookies: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, release: Release, files: Mapping[str, bytes]) -> "Story":
        """Follow every way through the flows once."""
        authored, _ = load(files)
        return cls(
            release,
            contexts.entered(release.programs, authored),
            cookie.worst_case(release.programs),
        )

    def flow(self, name: str) -> str:
        program = self.release.programs[name]
        title = program.document.data.get("title", "")
        ways = [f"  {way}: {state}" for way, state in program.entries().items()]
        states = [self.state(program, state) for state in program.states.values()]
        return "\n".join([f"{name}: {title}" if title else name, *ways, "", *states])

    def state(self, program: Program, state: CompiledState) -> str:
        known = self.entered.get((program.flow, state.name), ())
        ways = ", ".join(f"{contexts.CONTEXTS[way]} ({way})" for way in known)
        body = [
            *shown(preview(self.release, program, state, known)),
            *exits(state),
            *self.kept(program, state),
        ]
        return (
            f"  {state.name}: {state.kind}; {ways or 'never entered'}\n"
            + indent("\n".join(body), "    ")
            + "\n"
        )

    def kept(self, program: Program, state: CompiledState) -> Iterator[str]:
        size = self.cookies.get((program.flow, state.name))
        if size is not None:
            live = sorted(name.removesuffix("~") for name in program.live.get(state.name, ()))
            names = ", ".join(dict.fromkeys(live)) or "no values"
            yield f"keeps {names}; its cookie has at most {size} of {MAX_COOKIE_BYTES} bytes"


def shown(seen: Preview) -> Iterator[str]:
    if seen.asks:
        yield f"asks {seen.asks}"
    if seen.svaml:
        yield f"{seen.verb}{' (with sample values)' if seen.sampled else ''}"
        yield indent(seen.svaml, "  ")
    if seen.depends:
        yield f"what it sends depends on the call: {seen.depends}"


def exits(state: CompiledState) -> Iterator[str]:
    for name, target in state.exits.items():
        under = "" if target.via == "same" else f" ({target.via})"
        yield f"{name} -> {target.state}{under}"
    for key, leads in special_keys(state).items():
        if leads in SPECIAL:
            yield f"key {key} -> {leads} (pie)"
    if state.error:
        yield f"error -> {state.error}"
