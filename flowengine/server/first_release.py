"""Chooses the release that a server starts with, before there are workers. As a rule it is the
present content of the flow source. It is another one where the flows cannot be read or have errors,
where an operator has rolled back, and where another machine leads.
"""

import time
from collections.abc import Callable

from flowengine.compile import Release
from flowengine.compile.loaded_project import LoadedProject
from flowengine.compile.release_id import compute_release_id
from flowengine.releases.source_follower import SERVER_ACTOR
from flowengine.server.followed_flows import format_rival, format_takeover
from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import SettingsError
from flowengine.sources.flow_source import FOLLOW_POLL_SECONDS, SourceSnapshot, format_source_name
from flowengine.sources.git import GitError

Announce = Callable[[str], None]


class NothingToServeError(Exception):
    """The flows have errors, and no earlier release compiles."""


def read_flows(service: ReleaseService, announce: Announce) -> SourceSnapshot:
    """Read the flow source. Where it cannot be read, return the files that were last live from it:
    callers must not suffer from a restart while a branch or a disk is missing. Raises GitError or
    OSError where none were.
    """
    try:
        snapshot = service.flow_source.read()
    except (GitError, OSError) as error:
        live = service.ledger.get_live()
        files = (
            service.compile_worker.archive.load_files(live.followed)
            if live.place == format_source_name(service.flow_source.origin)
            else None
        )
        if files is None:
            raise
        announce(f"THE FLOWS CANNOT BE READ, and what was live is served until they can: {error}")
        return SourceSnapshot(files, service.flow_source.origin)
    assert snapshot is not None  # noqa: S101  # the first time there is always something
    return snapshot


def choose_first_release(
    service: ReleaseService, snapshot: SourceSnapshot, project: LoadedProject, announce: Announce
) -> Release:
    """Publish the present flows; where they have errors, keep the release that was live from this
    source. `project` is the compiled snapshot. Raises NothingToServeError or SettingsError.
    """
    if not try_take_leadership(service, compute_release_id(snapshot.files), announce):
        return load_shared_release(service, announce)
    origin = snapshot.origin
    service.publisher.publish_if_new(snapshot.files, origin, origin.author or SERVER_ACTOR)
    live = service.ledger.get_live()
    release = (
        service.compile_worker.load_release(live.current)
        if live.place == format_source_name(origin)
        else None
    )
    if project.compiled.release is None:
        return keep_earlier_release(service, snapshot, project, release, announce)
    if release is None:
        announce(
            f"RELEASE {live.current}, WHICH WAS LIVE, NO LONGER COMPILES: what the flows are now "
            "goes live."
        )
        release = service.republish(snapshot)
    assert release is not None  # noqa: S101  # it was published just now
    return release


def keep_earlier_release(
    service: ReleaseService,
    snapshot: SourceSnapshot,
    project: LoadedProject,
    live: Release | None,
    announce: Announce,
) -> Release:
    """The release to serve while the flows have errors: the one that was live, or the newest that
    compiles. Raises NothingToServeError.
    """
    announce(project.report.format_problems(project.report.errors))
    if live is not None:
        announce(
            f"THE FLOWS HAVE ERRORS: release {live.id}, which was live before, is served until "
            "they are mended."
        )
        return live
    release = fall_back(service, snapshot, announce)
    if release is None:
        raise NothingToServeError
    return release


def fall_back(
    service: ReleaseService, snapshot: SourceSnapshot, announce: Announce
) -> Release | None:
    """Fall back to the newest release that compiles, where neither the live release nor the present
    flows do: another version of the engine may refuse both (docs/decisions/0068). None where there
    is none, or where another server of this machine serves the live one.
    """
    live = service.ledger.get_live()
    if live.place != format_source_name(snapshot.origin) or not service.try_lead():
        return None
    release = service.publisher.fall_back(snapshot.origin, SERVER_ACTOR)
    if not release:
        return None
    announce(
        f"RELEASE {live.current}, WHICH WAS LIVE, NO LONGER COMPILES, AND NEITHER DO THE FLOWS: "
        f"release {release}, the newest that compiles, is served until they are mended."
    )
    # the status lists the problems of the flows
    service.publisher.publish_if_new(snapshot.files, snapshot.origin, SERVER_ACTOR)
    return service.compile_worker.load_release(release)


def try_take_leadership(service: ReleaseService, release: str, announce: Announce) -> bool:
    """Whether the flows of this server, whose release this is, may go live. Where another machine
    follows the same flows, its release is live once it has published one. Where a server follows
    other flows, this one waits for the lease, and then raises SettingsError.
    """
    deadline = time.monotonic() + service.lease_seconds
    while not service.try_lead():
        holder, is_late = service.leader_record.load_leader(), time.monotonic() > deadline
        if holder is not None and not service.leader_record.is_same_source(holder, release):
            if is_late:
                raise SettingsError(format_rival(holder, service.settings))
        elif service.ledger.get_live().current:
            service.leader_record.join_as_standby()
            # on one machine the standby has the same flows, so it may publish their present content
            return not service.is_shared
        time.sleep(FOLLOW_POLL_SECONDS)
    if before := service.leader_record.take_over(release, time.time()):
        announce(format_takeover(before, service.leader_record.source))
    return True


def load_shared_release(service: ReleaseService, announce: Announce) -> Release:
    """The live release of all machines. Raises SettingsError where it cannot be loaded."""
    current = service.ledger.get_live().current
    release = service.compile_worker.load_release(current)
    if release is None:
        raise SettingsError(
            f"release {current}, which is live on all machines, cannot be had here: is this "
            "another version of flowengine?"
        )
    holder = service.leader_record.load_leader()
    which = f"{holder.source} ({holder.by})" if holder else "its flows"
    announce(
        f"Another machine follows {which}; release {current}, which is live on all, is served here."
    )
    return release
