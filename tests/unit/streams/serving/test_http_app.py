"""Addresses of requests name listeners and may hold tokens: they leave the process in no way."""

from typing import Any

import httpx
import pytest
from opentelemetry import trace

from streams.serving.http_app import routed


class Traced:
    """A provider of traces, as a program around the service may have set one up."""

    def __init__(self) -> None:
        self.asked_for = list[str]()

    def get_tracer(self, name: str, *_: Any, **__: Any) -> trace.Tracer:
        """Notes who wants to trace."""
        self.asked_for.append(name)
        return trace.NoOpTracer()


async def test_a_request_is_in_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Traced()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    transport = httpx.ASGITransport(routed(lambda: pytest.fail("no service is needed")))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/nothing/here?token=secret")).status_code == 404
    assert provider.asked_for == []
