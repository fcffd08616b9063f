"""The part of `make setup` that downloads Kafka's jars."""

import sys
from pathlib import Path

from infra.kafka_server import ensure_jars, java
from topics.errors import ServerError


def main() -> int:
    """Downloads Kafka's jars into the folder that is the only argument, if they are missing."""
    try:
        java()
        ensure_jars(Path(sys.argv[1]), lambda text: print(text, file=sys.stderr))
    except ServerError as error:
        print(f"echotune: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
