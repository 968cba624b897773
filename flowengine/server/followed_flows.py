"""Which flows a server follows, and the words about it and about other servers that do."""

import socket
from pathlib import Path

from flowengine.releases.archive import LeaderRecord
from flowengine.server.server_settings import DEFAULT_FOLDER, DEFAULT_STORE, ServerSettings
from flowengine.sources.branch_source import BranchSource
from flowengine.sources.flow_source import FlowSource
from flowengine.sources.folder_source import FolderSource
from flowengine.storage.sessions.store_url import redact_password


def list_source_names(settings: ServerSettings) -> list[str]:
    """The names of the flow source: a folder by its path, and by the target of a link now."""
    if settings.git:
        return [f"{settings.git}@{settings.ref}:{settings.flows}"]
    return list(dict.fromkeys([settings.flows, str(Path(settings.flows).resolve())]))


def format_owner(settings: ServerSettings) -> str:
    return f"{socket.gethostname()}, port {settings.port}"


def format_rival(holder: LeaderRecord, settings: ServerSettings) -> str:
    """Why a server may not follow its flows, and what the operator can do."""
    if settings.is_cookies_only:
        place, cure = f"the folder {settings.folder}", "start this one in another folder"
    elif settings.is_shared:
        place, cure = (
            f"the store {redact_password(settings.store)}",
            "give this one another database",
        )
    else:
        other = DEFAULT_FOLDER / (Path(settings.flows).stem or "other") / Path(DEFAULT_STORE).name
        place, cure = (
            f"the store {settings.store}",
            f"give this one a store of its own, such as --store sqlite:{other}",
        )
    return (
        f"{place} is in use by another server ({holder.by}), which serves {holder.source}, and a "
        f"store has one set of flows: stop that server, or {cure}"
    )


def format_takeover(before: LeaderRecord, source: str) -> str:
    return f"With this store {before.source} was followed ({before.by}), which has ended; {source} is from now on."


def create_flow_source(settings: ServerSettings) -> FlowSource:
    """The flow source that the settings name."""
    if settings.git:
        return BranchSource(Path(settings.git), settings.ref, settings.flows)
    return FolderSource(Path(settings.flows))
