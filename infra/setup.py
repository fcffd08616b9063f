"""What `make setup` brings beside Python packages: Kafka's jars and the compiled model."""

import sys
from pathlib import Path

from infra.kafka_server import ensure_jars, java


def main() -> None:
    """Downloads Kafka's jars into the folder that is the only argument, if need be."""
    java()
    ensure_jars(Path(sys.argv[1]), lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    main()
