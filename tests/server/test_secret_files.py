"""Secrets that stand in files, and change while the server runs."""

import time
from pathlib import Path

from tests.server.server_process import KEY, SECRET, ice, start_server
from tests.waiting import wait_until

OTHER = "AAECAwQFBgcICQoLDA0ODw=="
FLOW = "flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n"


def test_secret_that_changes_in_its_file_is_in_force_without_a_restart(tmp_path: Path) -> None:
    """A file with a mistake changes nothing: the old workers go on until it is mended."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/line.yaml").write_text(FLOW)
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    served = start_server(
        tmp_path, signed=False, SINCH_APPLICATION_KEY=KEY, SINCH_APPLICATION_SECRET_FILE=str(secret)
    )
    served.signed = True
    try:
        assert served.post(ice("c1")).status_code == 200
        assert served.post(ice("c2"), secret=OTHER).status_code == 401
        secret.write_text("\n")
        wait_until(lambda: "the old workers go on" in served.err.read_text())
        assert "which is empty; a file with a secret is read again" in served.err.read_text()
        assert served.post(ice("c3")).status_code == 200
        secret.write_text(OTHER + "\n")
        wait_until(lambda: served.post(ice(f"d{time.time()}"), secret=OTHER).status_code == 200)
    finally:
        assert served.stop() == 0
    assert "a file with a secret has changed" in served.err.read_text()
    assert has_no_traceback(served.err.read_text())


def test_address_in_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, postgresql: str) -> None:
    """A server goes on with the store and the journal that it has."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/line.yaml").write_text(FLOW)
    store, journal = tmp_path / "store", tmp_path / "journal"
    store.write_text(postgresql)
    journal.write_text(f"sqlite:{tmp_path / 'journal.db'}")
    served = start_server(
        tmp_path, FLOWENGINE_STORE_FILE=str(store), FLOWENGINE_JOURNAL_FILE=str(journal)
    )
    bad = [
        (store, postgresql.replace("/postgres?", "/nobody?"), 'database "nobody" does not exist'),
        (store, "nonsense", '"nonsense" is no store: write sqlite:PATH'),
        (store, "sqlite:other.db", "it is sqlite:other.db and was postgresql://"),
        (journal, "nonsense", '"nonsense" is no call journal: write sqlite:PATH'),
    ]
    try:
        for file, text, expected in bad:
            good = file.read_text()
            file.write_text(text)
            wait_until(lambda words=expected: words in served.err.read_text())
            line = next(one for one in served.err.read_text().splitlines() if expected in one)
            assert "no worker can be started anew: " in line
            assert line.endswith("SIGHUP tries again")
            assert served.post(ice(f"c {expected}")).status_code == 200
            replaced = served.err.read_text().count("another worker takes over")
            file.write_text(good)
            wait_until(
                lambda before=replaced: (
                    served.err.read_text().count("another worker takes over") > before
                )
            )
    finally:
        assert served.stop() == 0
    assert has_no_traceback(served.err.read_text())
    assert not (tmp_path / "other.db").exists()


def has_no_traceback(log: str) -> bool:
    """As this server writes one: a line for each call on the stack."""
    return " in load_live_flows: " not in log
