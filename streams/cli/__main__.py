"""`python -m streams.cli`: the same as `echotune`."""

from streams.cli import main

main()
