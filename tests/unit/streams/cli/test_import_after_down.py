"""An import says that the embedded Kafka does not run, instead of waiting for it for ever."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_an_import_after_down_names_the_command_that_starts_kafka(tmp_path: Path) -> None:
    history = tmp_path / "plays.csv"
    history.write_text("time,artist,track\n2024-03-01T10:00:00Z,Someone,Some song\n")
    home = tmp_path / "home"
    home.mkdir()
    addresses = {"kafka": "127.0.0.1:1", "redis": "", "mongo": ""}
    (home / "servers.json").write_text(json.dumps({"daemons": {}, "addresses": addresses}))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "import", str(history), "--listener", "me"],
        env={**os.environ, "ECHOTUNE_HOME": str(home), "ECHOTUNE_KAFKA": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == (
        "error: Kafka does not run.\n  Run `echotune up`, or set ECHOTUNE_KAFKA.\n"
    )
