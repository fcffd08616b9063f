"""`make test-faults`: every fault on real servers, three test files at a time, with a table.

A fault test mostly waits for timeouts, so three files can run on two processors.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parent.parent
AT_ONCE = 3
LAST_LINES = 60


class Result(NamedTuple):
    """Result of one test file."""

    name: str
    is_passed: bool
    took_s: float
    output: str


def files() -> list[Path]:
    """Files with a test marked `fault`, the longest ones first."""
    found = [each for each in FOLDER.glob("test_*.py") if "mark.fault" in each.read_text()]
    return sorted(found, key=lambda each: (*(each.stem != name for name in LONGEST), each.stem))


LONGEST = (
    "test_f21_simulation",
    "test_f01_kills",
    "test_f02_crash_points",
    "test_f03_zombies",
    "test_f04_broker_outages",
    "test_f25_generations",
)


def run(path: Path, folder: Path) -> Result:
    """Runs one file; its stations are in a folder of their own."""
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(path), "-m", "fault", "-p", "no:cacheprovider"),
            *("-s", f"--basetemp={folder / path.stem}"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.monotonic() - began
    return Result(path.stem, done.returncode == 0, took_s, done.stdout + done.stderr)


def results(folder: Path) -> Iterator[Result]:
    """Yields the result of each file when it ends."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(run, path, folder) for path in files()]:
            yield future.result()


def main() -> int:
    """Prints a line per file, and the output of failed ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journals", type=Path, help="folder for what each file said")
    journals: Path | None = parser.parse_args().journals
    began, failed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        for each in results(Path(folder)):
            if journals is not None:
                journals.mkdir(parents=True, exist_ok=True)
                (journals / f"{each.name}.txt").write_text(each.output)
            tests = re.search(r"^(\d+ (?:passed|failed).*?) in", each.output, re.MULTILINE)
            said = tests[1] if tests else "did not run"
            print(f"{each.name:28} {said:24} {each.took_s:5.0f} s", flush=True)
            if not each.is_passed:
                failed += 1
                print("\n".join(each.output.splitlines()[-LAST_LINES:]), flush=True)
    print(f"{failed} files failed, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
