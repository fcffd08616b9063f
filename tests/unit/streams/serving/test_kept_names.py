"""What is kept for a week has the names that were on their way when it was made."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from streams.serving import feedback
from streams.serving.listenbrainz_read import kept_names
from streams.serving.services import Services
from streams.tracks.memory_track_catalogue import MemoryTrackCatalogue
from streams.tracks.track_catalogue import Track

TRACK = Track(track_id="t", artist_name="Nina", track_name="Sinnerman")


def services_over(catalogue: MemoryTrackCatalogue) -> Services:
    return cast(Services, SimpleNamespace(tracks=catalogue))


async def test_names_that_come_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "PROJECTED_WITHIN_S", 60.0)
    catalogue = MemoryTrackCatalogue()
    asked = asyncio.create_task(kept_names(services_over(catalogue), ["t"]))
    await asyncio.sleep(0)  # it has looked once
    await catalogue.remember([TRACK])
    assert await asked == {"t": TRACK}


async def test_what_nobody_names_is_not_waited_for_longer_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feedback, "PROJECTED_WITHIN_S", 0.1)
    catalogue = MemoryTrackCatalogue()
    await catalogue.remember([TRACK])
    assert await kept_names(services_over(catalogue), ["t", "nameless"]) == {"t": TRACK}
