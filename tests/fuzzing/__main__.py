"""Fuzzes the property tests of hostile input, each for its share of the time: `make fuzz`.

A target is a property test, whose strategies make structures of bytes; atheris chooses the bytes by
coverage. Without atheris the bytes are random. A finding is written to `.fuzz/` and makes the
command fail. It then becomes a case: an `@example` of the property test, or a row of a table.

    python -m tests.fuzzing --minutes 10
    python -m tests.fuzzing --minutes 1 --target test_hostile_events
"""

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

MODULES = ("test_hostile_avro", "test_hostile_events")
"""Modules under `tests/property` whose tests are all targets."""
FOLDER = Path(".fuzz")
INPUT_BYTES_MAX, MEMORY_MB_MAX, INPUT_S_MAX = 4_096, 2_048, 30
FuzzOne = Callable[[bytes], object]


def targets() -> list[str]:
    """Every target, as module.function."""
    modules = {each: importlib.import_module(f"tests.property.{each}") for each in MODULES}
    return [
        f"{name}.{function}"
        for name, module in modules.items()
        for function in vars(module)
        if function.startswith("test_")
    ]


def fuzz_one_of(target: str) -> FuzzOne:
    """The function of a target that takes bytes, and raises what the test would raise."""
    module, function = target.split(".")
    test = getattr(importlib.import_module(f"tests.property.{module}"), function)
    found: FuzzOne = test.hypothesis.fuzz_one_input
    return found


def main() -> int:
    """Fuzzes each target in a process of its own; returns the number of those with a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--target", default="", help="part of the names of the wanted targets")
    parser.add_argument("--here", metavar="TARGET", help="fuzz one target in this process")
    asked = parser.parse_args()
    if asked.here:
        fuzz(asked.here, asked.minutes * 60)
        return 0
    wanted = [each for each in targets() if asked.target in each]
    failed = [each for each in wanted if not _fuzz_apart(each, asked.minutes / len(wanted))]
    for each in failed:
        print(f"found: {each}; see {FOLDER / each} and the output above", file=sys.stderr)
    return len(failed)


def _fuzz_apart(target: str, minutes: float) -> bool:
    """Fuzzes in a process that a native crash may end; returns whether nothing was found."""
    print(f"{target}, for {minutes:.1f} minutes", flush=True)
    command = [sys.executable, "-m", "tests.fuzzing", "--here", target, f"--minutes={minutes}"]
    return subprocess.run(command, check=False).returncode == 0


def fuzz(target: str, seconds: float) -> None:
    """Fuzzes one target in this process."""
    folder = FOLDER / target
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    try:
        import atheris
    except ImportError:
        _fuzz_at_random(fuzz_one_of(target), folder / "last-input", seconds)
        return
    with atheris.instrument_imports(include=["topics", "streams"]):
        fuzz_one = fuzz_one_of(target)
    options = {
        "max_total_time": max(1, int(seconds)),
        "artifact_prefix": f"{folder}{os.sep}",
        "max_len": INPUT_BYTES_MAX,
        "rss_limit_mb": MEMORY_MB_MAX,
        "timeout": INPUT_S_MAX,
        "verbosity": 0,
        "print_final_stats": 1,
    }
    given = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *given, str(corpus)], fuzz_one)
    atheris.Fuzz()


def _fuzz_at_random(fuzz_one: FuzzOne, last_input: Path, seconds: float) -> None:
    """Keeps each input on disk while it is tried: a native crash leaves it there."""
    ends_at, tried = time.monotonic() + seconds, 0
    while time.monotonic() < ends_at:
        data = os.urandom(1 + tried % INPUT_BYTES_MAX)
        last_input.write_bytes(data)
        fuzz_one(data)
        tried += 1
    last_input.unlink(missing_ok=True)
    print(f"{tried:,} random inputs (atheris is not installed)")


if __name__ == "__main__":
    sys.exit(main())
