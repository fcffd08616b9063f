"""The part of `make setup` that downloads Kafka's jars."""

import sys
from pathlib import Path

from infra.kafka_server import ensure_jars, java


def main() -> None:
    """Downloads Kafka's jars into the folder that is the only argument, if they are missing."""
    java()
    ensure_jars(Path(sys.argv[1]), lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    main()
