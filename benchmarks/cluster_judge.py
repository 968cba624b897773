"""What a soak of a cluster has seen, hour by hour, and which promises it found broken."""

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psycopg
from cluster_failures import Cluster, ClusterFailures
from cluster_flows import GREETED, UNKNOWN
from cluster_services import Services
from killed_machines import LOG_FILE, Database
from ring_lines import Watch
from soak import growth, processes_of

from flowengine.model.project_file import DEFAULT_APOLOGY
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    SoundStarted,
    SwitchEvent,
)

MAX_GROWTH = 6.0  # MB of the worker that is never killed, in the last half
MAX_DESCRIPTOR_GROWTH = 10.0
URLS = 2  # the platform sends a callback to the primary URL, then to the fallback


class ClusterWatch(Watch):
    """What the platform sees: also which callbacks failed, and which nothing answered."""

    def __init__(self) -> None:
        super().__init__()
        self.name_failure: Callable[[], str] = str
        self.attempts: dict[tuple[str, str], int] = {}
        self.callbacks = 0
        self.answered = 0
        self.illegal: Counter[str] = Counter()
        self.by_failure: Counter[tuple[str, str]] = Counter()
        """How often what happened after which failure"""
        self.unanswered: list[tuple[str, str, str]] = []
        self.rung_twice: list[tuple[str, str]] = []
        """Legs to a phone that rang already, and the failure before"""

    def note(self, event: SwitchEvent) -> None:
        double_rings = self.double_rings
        super().note(event)
        if self.double_rings > double_rings:
            self.rung_twice.append((event.call, self.name_failure()))
        if isinstance(event, CallbackSent):
            key = event.call, event.event
            self.callbacks += key not in self.attempts
            self.attempts[key] = self.attempts.get(key, 0) + 1
        elif isinstance(event, AnswerReceived):
            self._note_answer(event)
        elif isinstance(event, SoundStarted) and event.sound.text == DEFAULT_APOLOGY:
            self._count("apology")
        elif isinstance(event, CallEnded):
            self._count("calls")

    def _note_answer(self, event: AnswerReceived) -> None:
        key = event.call, event.event
        if not event.failure:
            self.answered += 1
            self.attempts.pop(key, None)
            self.illegal.update(finding.message for finding in event.illegal)
            return
        self._count("sent again")
        if self.attempts.get(key, 0) >= URLS:
            del self.attempts[key]
            self._count("unanswered")
            self.unanswered.append((*key, event.failure))

    def _count(self, what: str) -> None:
        self.by_failure[self.name_failure(), what] += 1

    def describe_end(self, caller: str) -> str:
        heard = self.heard.get(caller, set())
        if GREETED in heard:
            return "asked the service, and heard its answer"
        if UNKNOWN in heard:
            return "heard that the service does not answer"
        return super().describe_end(caller)

    def total(self, what: str) -> int:
        return sum(count for (_, name), count in self.by_failure.items() if name == what)


class Sample(NamedTuple):
    """Memory of the worker that is never killed and of all processes in MB; what is on disks."""

    kept_mb: float
    all_mb: float
    kept_descriptors: int
    folders_mb: float
    database_mb: float
    log_mb: float
    connections: int
    rows: dict[str, int]


def take_sample(cluster: Cluster, kept: int) -> Sample:
    machines, database, _ = cluster
    processes = [pid for machine in machines for pid in processes_of(machine.pid)]
    port = machines[0].port
    folders = sum(measure_folder(machine.folder) for machine in machines)
    with psycopg.connect(database.url, autocommit=True) as connection:
        size, log, used = connection.execute(
            "SELECT pg_database_size(current_database()), (SELECT sum(size) FROM pg_ls_waldir()), "
            "(SELECT count(*) FROM pg_stat_activity)"
        ).fetchone() or (0, 0, 0)
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'flowengine' ORDER BY 1"
        ).fetchall()
        rows = {}
        for (name,) in names:
            found = connection.execute(f"SELECT count(*) FROM flowengine.{name}").fetchone()
            rows[name] = found[0] if found else 0
    return Sample(
        measure_memory(kept), sum(map(measure_memory, processes)), count_descriptors(kept, port),
        folders / 1e6, size / 1e6, float(log) / 1e6,
        used, {name: count for name, count in rows.items() if count},
    )  # fmt: skip


def measure_memory(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def count_descriptors(pid: int, port: int) -> int:
    """Descriptors of a process, but for connections that others hold open to its port."""
    found = 0
    accepted = list_accepted(port)
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it was closed in between
            found += str(descriptor.readlink()) not in accepted
    return found


def list_accepted(port: int) -> set[str]:
    """The sockets of connections to this port, as links of descriptors name them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}


def measure_folder(folder: Path) -> int:
    """The bytes of all files but the log, which grows until an operator takes it away."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):
            total += file.stat().st_size if file.is_file() and file.name != LOG_FILE else 0
    return total


def print_hour(hour: str, watch: ClusterWatch, failures: ClusterFailures, sample: Sample) -> None:
    services = failures.cluster.services
    if hour == "begin":
        print(
            "  hour  calls callbacks failures again apology unanswered reports open repeated doubled"
            " | worker MB  all MB  fds  folders MB  database MB  WAL MB  connections | rows"
        )
    repeated, doubled = count_repeated(services), count_doubled(services)
    print(
        f"{hour:>6} {len(watch.ended):6} {watch.callbacks:9} {failures.counts.total():8}"
        f" {watch.total('sent again'):5} {watch.total('apology'):7} {len(watch.unanswered):10}"
        f" {len(services.reports):7} {count_unreported(watch, services):4} {repeated:8} {doubled:7}"
        f" | {sample.kept_mb:9.1f} {sample.all_mb:7.1f} {sample.kept_descriptors:4}"
        f" {sample.folders_mb:11.1f} {sample.database_mb:12.1f}"
        f" {sample.log_mb:7.1f} {sample.connections:12} | {sample.rows}",
        flush=True,
    )


def count_unreported(watch: ClusterWatch, services: Services) -> int:
    """Calls that have ended, and whose report has not come yet."""
    return len(list_unreported(watch, services) & watch.ended.keys())


def list_unreported(watch: ClusterWatch, services: Services) -> set[str]:
    """Calls without a report, but for those to which the first answer was the apology: a call that
    could not begin in a flow has no end in one.
    """
    began = {
        caller for caller in watch.callers
        if watch.heard.get(caller, set()) != {DEFAULT_APOLOGY}
    }  # fmt: skip
    return began - services.reports.keys()


def count_repeated(services: Services) -> int:
    """Reports that came again with the key that they had: their receiver knows them by it."""
    return sum(sum(keys.values()) - len(keys) for keys in services.reports.values())


def count_doubled(services: Services) -> int:
    return sum(len(keys) - 1 for keys in services.reports.values())


class JournalCount(NamedTuple):
    """What the journal has of the answered callbacks, and what it says that it lost."""

    kept: int
    doubled: int
    lost: int


def count_journal(database: Database) -> JournalCount:
    with psycopg.connect(database.url, autocommit=True) as connection:
        kept, doubled, lost = connection.execute(
            "WITH rows AS (SELECT call, digest, at, count(*) AS times FROM flowengine.journal_rows "
            "WHERE event IN ('ice', 'ace', 'pie', 'dice', 'notify') GROUP BY 1, 2, 3) SELECT "
            "(SELECT count(*) FROM (SELECT DISTINCT call, digest FROM rows) AS each), "
            "(SELECT coalesce(sum(times - 1), 0) FROM rows), "
            "(SELECT coalesce(sum(callbacks), 0) FROM flowengine.journal_losses)"
        ).fetchone() or (0, 0, 0)
    return JournalCount(kept, int(doubled), int(lost))


def compute_journal_allowance(failures: ClusterFailures, callbacks_per_second: float) -> int:
    """How many callbacks kills may take from the journal uncounted, by its docs: of a killed
    process the last 50 ms and what waited for an absent database, of a crashed database the last
    second. Doubled, as machines that are busy take longer.
    """
    kills = failures.counts["worker killed"] + failures.counts["machine killed"]
    crashes = failures.counts["database crashed"] + failures.counts["disk of the database full"]
    return round(2 * callbacks_per_second * (kills * 0.05 + crashes)) + 1


def print_kinds(watch: ClusterWatch, failures: ClusterFailures) -> None:
    names = ("calls", "sent again", "apology", "unanswered")
    print(f"\n{'after':<26}{'times':>8}" + "".join(f"{name:>12}" for name in names))
    for kind in ("none", *failures.counts):
        counts = [watch.by_failure[kind, name] for name in names]
        times = failures.counts[kind]
        print(f"{kind:<26}{times:>8}" + "".join(f"{count:>12}" for count in counts))


def judge(
    watch: ClusterWatch,
    failures: ClusterFailures,
    samples: list[Sample],
    callbacks_per_second: float,
) -> int:
    """Print what was promised and how often it was broken. Returns the exit status."""
    services, kept = failures.cluster.services, failures.spared
    journal = count_journal(failures.cluster.database)
    allowance = compute_journal_allowance(failures, callbacks_per_second)
    ends = Counter(watch.describe_end(caller) for caller in watch.callers)
    print(f"\n{len(watch.callers)} callers, {len(watch.legs)} phones rung")
    for what, count in sorted(ends.items()):
        print(f"  {count:6} {what}")
    unreported = list_unreported(watch, services)
    silent = [
        call for call in watch.callers & watch.ended.keys()
        if not watch.heard.get(call) and watch.ended[call] not in ("CALLERHANGUP", "CANCEL")
    ]  # fmt: skip
    memory = growth([sample.kept_mb for sample in samples[1:]]) if len(samples) > 2 else 0.0
    descriptors = growth([sample.kept_descriptors for sample in samples[1:]])
    missing = watch.answered - journal.kept - journal.lost
    print(
        f"journal: {journal.kept} of {watch.answered} answered callbacks, {journal.lost} counted as "
        f"lost, {missing} gone with killed processes and crashes (at most {allowance})"
    )
    broken = {
        "callbacks that nothing answered in time, twice": len(watch.unanswered),
        "answers that the platform refuses": watch.illegal.total(),
        "callers who heard nothing": len(silent),
        "calls whose end was not reported": len(unreported),
        "reports that came twice as two": count_doubled(services),
        "reports of no call": len(services.reports.keys() - watch.callers),
        "members rung twice at once": watch.double_rings,
        "callers with two members": watch.double_members,
        "callers who wait for nothing": ends["lost"],
        "legs that never end": watch.open_legs,
        "workers that ended by themselves": int(not Path(f"/proc/{kept}").exists()),
        f"MB that a worker grew beyond {MAX_GROWTH}": round(max(0.0, memory - MAX_GROWTH), 1),
        "descriptors that a worker gained": round(max(0.0, descriptors - MAX_DESCRIPTOR_GROWTH)),
        "callbacks that the journal lost uncounted": max(0, missing - allowance),
        "callbacks that the journal has twice": journal.doubled,
        "tasks and reports that stay": sum(samples[-1].rows.get(n, 0) for n in ("tasks", "outbox")),
    }
    for what, count in broken.items():
        print(f"  {count:6} {what}")
    for call in sorted(unreported)[:20]:
        print(f"not reported: {call}, {watch.describe_end(call)}", file=sys.stderr)
    for call, failure in watch.rung_twice[:20]:
        print(f"rung twice: by leg {call}, after: {failure}", file=sys.stderr)
    for call, event, failure in watch.unanswered[:20]:
        print(f"unanswered: {event} of {call}: {failure}", file=sys.stderr)
    for message, count in watch.illegal.items():
        print(f"refused by the platform: {count} times {message}", file=sys.stderr)
    return int(any(broken.values()))
