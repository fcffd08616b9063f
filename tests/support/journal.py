"""The journal of a test: every fault, every restart and every verdict, in order."""

import json
import time
from pathlib import Path
from typing import Any


class Journal:
    """Lines of JSON in a file, with the seconds since the journal's start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: dict[str, int] = {}
        self._began = time.monotonic()

    def note(self, what: str, **facts: Any) -> None:
        """Writes a line."""
        self.counts[what] = self.counts.get(what, 0) + 1
        line = {"at_s": round(time.monotonic() - self._began, 3), "what": what, **facts}
        with self.path.open("a") as out:
            out.write(json.dumps(line, default=str) + "\n")

    def entries(self, what: str, **facts: Any) -> list[dict[str, Any]]:
        """The lines of one kind that contain these facts."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        wanted = {"what": what, **facts}.items()
        return [line for line in lines if all(line.get(k) == v for k, v in wanted)]

    def text(self) -> str:
        """The whole journal."""
        return self.path.read_text() if self.path.exists() else ""
