"""A release whose flows are compiled when a call first needs them, for a server that starts with
files which it has compiled before.

Each program is the one that compiling all flows gives. Where anything is not as it was found then,
all flows are compiled after all.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from threading import RLock

from flowengine.compile.dependencies import Dependencies
from flowengine.compile.incremental_compile import (
    FlowDeclaration,
    build_flow,
    build_shared_scope,
    declare,
)
from flowengine.compile.interprocedural_liveness import add_live_facts
from flowengine.compile.program import CompileResult, Program
from flowengine.compile.project_compiler import build_release, compile_project
from flowengine.compile.release_facts import ReleaseFacts
from flowengine.compile.release_id import compute_release_id
from flowengine.compile.shared_definitions import SharedDefinitions, compile_shared_definitions
from flowengine.compile.shared_parts import SharedParts
from flowengine.expr import preload_locale
from flowengine.model import AuthoredProject, CompileCache, Flow, NoCompileCache, load_project
from flowengine.model.project_loader import load_file
from flowengine.problems import Problem
from flowengine.source import Document
from flowengine.sources.project_folder import PROJECT_FILE, PROJECT_PARTS
from flowengine.states import FlowSignature
from flowengine.states.flow_context import UnreadNames

log = logging.getLogger(__name__)


class UnexpectedProblemError(Exception):
    """Files that compiled without errors have one."""


def defer_compile(
    files: Mapping[str, bytes], environment: Mapping[str, str], facts: ReleaseFacts
) -> CompileResult | None:
    """The result of compiling these files, with programs that are compiled on first use. None where
    the shared definitions have errors.
    """
    shared_files = {
        name: content
        for name, content in files.items()
        if name == PROJECT_FILE or name.rpartition("/")[0] in PROJECT_PARTS
    }
    authored, problems = load_project(shared_files)
    shared = compile_shared_definitions(authored, environment, CompileCache())
    # FE501 is that no flow is among these files
    if has_errors(shared.problems) or has_errors(one for one in problems if one.code != "FE501"):
        return None
    for locale in facts.spoken_locales:
        preload_locale(locale)
    programs = DeferredPrograms(DeferredFlows(files, authored, shared, facts), environment)
    release = build_release(
        authored,
        environment,
        compute_release_id(files),
        programs,
        shared,
        facts.secret_flows,
        NoCompileCache(),
    )
    # imports what a compilation needs, for which the first call need not wait then
    programs.compile_flow(release.routes[0].flow if release.routes else next(iter(programs)))
    sources = {name: content.decode(errors="replace") for name, content in files.items()}
    return CompileResult(release, facts.problems, sources, programs, facts.state_count)


class DeferredFlows:
    """Compiles flows of a project one by one."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        authored: AuthoredProject,
        shared: SharedDefinitions,
        facts: ReleaseFacts,
    ) -> None:
        self.files = files
        self.facts = facts
        self._project = authored.project
        self._shared = shared
        signatures = DeferredSignatures(self)
        self._dependencies = Dependencies(
            authored.project.messages,
            shared.services,
            shared.groups,
            signatures,
            {**shared.fingerprints, "subflows": signatures},
            UnreadNames(),  # these files have no errors
        )

    def compile_flow(self, name: str) -> Program:
        """Compile one flow. Raises UnexpectedProblemError."""
        flow, document, declared = self.read_flow(name)
        build = build_flow(
            self._project,
            self._shared,
            self._dependencies,
            SharedParts(),
            build_shared_scope([declared], self._shared, CompileCache()),
            self.facts.goes_back,
            (),  # the locales of calls: only problems depend on them
            flow,
            document,
            declared,
        )
        require_no_error(build.problems)
        document.positions.drop()
        return add_live_facts(build.program, self.facts.subflow_facts.get(name, frozenset()))

    def read_flow(self, name: str) -> tuple[Flow, Document, FlowDeclaration]:
        """Read the file of a flow. Raises UnexpectedProblemError."""
        file = self.facts.flow_files[name]
        read = load_file(file, self.files[file])
        require_no_error(read.problems)
        if read.flow is None or read.flow[0].flow != name:
            raise UnexpectedProblemError(f"{file} does not have the flow {name}")
        declared = declare(*read.flow)
        require_no_error(declared.problems)
        return *read.flow, declared


class DeferredSignatures(Mapping[str, FlowSignature]):
    """What flows show to those that use them as subflows."""

    def __init__(self, flows: DeferredFlows) -> None:
        self._flows = flows
        self._signatures: dict[str, FlowSignature] = {}

    def __getitem__(self, name: str) -> FlowSignature:
        if name not in self._flows.facts.flow_files:
            raise KeyError(name)
        if name not in self._signatures:
            _, _, declared = self._flows.read_flow(name)
            self._signatures[name] = declared.signature
        return self._signatures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._flows.facts.flow_files)

    def __len__(self) -> int:
        return len(self._flows.facts.flow_files)


class DeferredPrograms(Mapping[str, Program]):
    """The programs of a release, each compiled when it is first looked up, in any thread."""

    def __init__(self, flows: DeferredFlows, environment: Mapping[str, str]) -> None:
        self._flows = flows
        self._environment = environment
        self._programs: dict[str, Program] = {}
        self._lock = RLock()

    def __getitem__(self, name: str) -> Program:
        if name not in self._programs:
            if name not in self._flows.facts.flow_files:
                raise KeyError(name)
            self.compile_flow(name)
        return self._programs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._flows.facts.flow_files

    def __iter__(self) -> Iterator[str]:
        return iter(self._flows.facts.flow_files)

    def __len__(self) -> int:
        return len(self._flows.facts.flow_files)

    def compile_flow(self, name: str) -> None:
        """Compile a flow that is not compiled yet. Raises UnexpectedProblemError."""
        with self._lock:
            if name in self._programs:
                return
            try:
                self._programs[name] = self._flows.compile_flow(name)
            except Exception:  # whatever it is, a call must not meet it
                log.exception("flow %s cannot be compiled by itself: all are compiled", name)
                self._compile_all()

    def _compile_all(self) -> None:
        """Compile all flows at once. Raises UnexpectedProblemError where they have errors."""
        compiled = compile_project(self._flows.files, self._environment)
        require_no_error(compiled.problems)
        # a call may be in a program that it has already
        self._programs = {**compiled.programs, **self._programs}


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def require_no_error(problems: Iterable[Problem]) -> None:
    """Raises UnexpectedProblemError where there is an error."""
    for problem in problems:
        if problem.severity == "error":
            raise UnexpectedProblemError(f"{problem.span.file}: {problem.message}")
