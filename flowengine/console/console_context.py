"""What the pages of a console share."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from anyio import CapacityLimiter

from flowengine.console.call_follower import CallFollower
from flowengine.console.console_project import ConsoleProject
from flowengine.console.console_settings import ConsoleSettings
from flowengine.console.event_stream import EventStream
from flowengine.environment import VARIABLES
from flowengine.journal import JournalReader, open_journal_reader
from flowengine.releases.canary_statistics import CanaryTable
from flowengine.releases.compile_worker import CompileWorker
from flowengine.releases.ledger import Ledger
from flowengine.releases.publisher import Publisher
from flowengine.releases.release_commands import ReleaseCommands
from flowengine.releases.release_overview import CountCalls, build_journal_counter

MAX_SLOW_THREADS = 2  # they share a processor
PAGE_BUSY_SECONDS = 0.3  # a page waits so long for a journal that is locked, and says so then


class ConsoleContext(msgspec.Struct, frozen=True):
    """What the pages of a console share: its settings, the flows that it shows, the events that it
    sends to browsers, and the calls of the journal; and how to open what a server has on disk.
    `slow_work` has the threads of what may take long: all else is answered meanwhile.
    """

    settings: ConsoleSettings
    project: ConsoleProject
    stream: EventStream
    calls: CallFollower
    slow_work: CapacityLimiter = msgspec.field(
        default_factory=lambda: CapacityLimiter(MAX_SLOW_THREADS)
    )

    @contextmanager
    def open_journal(self) -> Iterator[JournalReader]:
        """The journal, to read. Raises JournalError where there is none. For one thread."""
        location = self.settings.server.journal_location
        with closing(open_journal_reader(location, PAGE_BUSY_SECONDS)) as reader:
            yield reader

    @contextmanager
    def open_release_commands(self) -> Iterator[ReleaseCommands]:
        """The releases of the server, to read and to change. Raises ArchiveError. For one thread."""
        server = self.settings.server
        worker = CompileWorker(server.archive, VARIABLES, cookies_only=server.is_cookies_only)
        try:
            with closing(Ledger(server.archive)) as ledger:
                publisher = Publisher(worker.archive, ledger, worker.compile)
                yield ReleaseCommands(worker.archive, ledger, publisher)
        finally:
            worker.close()

    @contextmanager
    def open_canary_counter(self) -> Iterator[CountCalls]:
        """What counts the calls of a canary: those of all machines that share the store, or of this
        one. Raises ArchiveError. For one thread.
        """
        server = self.settings.server
        if not server.has_journal_per_machine:
            yield build_journal_counter(server.journal_location, PAGE_BUSY_SECONDS)
            return
        with closing(CanaryTable(server.archive)) as table:
            yield table.sum_figures

    def has_releases(self) -> bool:
        """Whether a server has kept releases here: opening the archive would create it."""
        archive = self.settings.server.archive
        return not isinstance(archive, Path) or archive.is_file()
