"""An EchoTune that shares the servers of another one, and has a prefix of its own."""

from pathlib import Path

from streams.addresses import Addresses, addresses_of
from streams.cli.topics import apply_topics
from tests.support.station import Station


class GuestStation(Station):
    """A station on the servers of `host`; whatever it names begins with `prefix`."""

    def __init__(self, home: Path, host: Station, prefix: str) -> None:
        super().__init__(home, home)
        (home / "logs").mkdir(parents=True)
        self.prefix = prefix
        self.environment |= {
            "ECHOTUNE_KAFKA": host.addresses.kafka,
            "ECHOTUNE_REDIS": host.addresses.redis,
            "ECHOTUNE_PREFIX": prefix,
        }

    def up(self) -> Addresses:
        """Creates the topics."""
        apply_topics(self.settings, self.addresses)
        return self.addresses

    @property
    def addresses(self) -> Addresses:
        """Addresses of the servers, as this installation uses them."""
        return addresses_of(self.settings)

    def close(self) -> None:
        """Stops its processes; the servers are those of the host."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
