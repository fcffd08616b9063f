"""`python -m streams.cli`: the same as `echotune`."""

from streams.cli import run_and_end

run_and_end()
