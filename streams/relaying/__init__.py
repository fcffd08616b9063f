"""Relays: what EchoTune has taken goes on to services of people's choice, such as ListenBrainz.

Players allow one URL, and nobody gives up their history at a service for a recommender. So
`RelayRunner` (`relay_runner.py`) follows the listen history of each person who has a relay, in the
log's order, and submits what `Relay` (`relay.py`) lets pass. `relay_answers.py` says what an
answer means; `ListenBrainzTarget` (`listenbrainz_target.py`) and `LastFmTarget`
(`lastfm_target.py`, with `lastfm_scrobbles.py`) talk to services by `ServiceClient`
(`service_client.py`); `RelayStore` (`relay_store.py`) keeps how far each relay has come. A listen
is delivered at least once: the position moves after the acknowledgement.
"""
