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
        assert served.post(ice("c3")).status_code == 200
        secret.write_text(OTHER + "\n")
        wait_until(lambda: served.post(ice(f"d{time.time()}"), secret=OTHER).status_code == 200)
    finally:
        assert served.stop() == 0
    assert "a file with a secret has changed" in served.err.read_text()
    assert "Traceback" not in served.err.read_text()
