"""The HTTP service: ListenBrainz' API for players and scrobblers, and lists on demand.

A request goes one way through this room. `path_rules` mends its path, an endpoint asks
`authentication` who it is, `request_bodies` reads its body within bounds, a pure module says what
it means (`submissions`, `listen_events`, `client_stamps`, `listenbrainz_json`, `playback_reports`,
`stated_wishes`), and the parts in `Services` carry it out: the producer, people, lists, questions
to the model, tracks and listens. `problems` has the only form of errors, and `rate_limits` bounds
reads. The endpoints are `listenbrainz_write`, `listenbrainz_read`, `feedback`, `recording_metadata`
and `listenbrainz_absent`, and of EchoTune's own API `lists_api`, `on_demand_api` (with `on_demand`,
`model_asking`, `track_references` and `track_json`) and `playback_api` (`playback`,
`playback_events`, `playback_store`). Beside requests, `playback_settler` makes plays of what
players reported and `skip_settler` events of `hidden_skips`; `made_playlists` makes weekly and
daily ones, and `forgetting` deletes what is kept of an erased person (`playing_now`, playlists,
relays). `console` is the page in the browser. The process keeps no state: any number of them may
serve.

`http_server` runs `http_app` over `services` and `lasting_parts`, with the bounds of
`http_protocol` and the rules of `cross_origin`. `request_schemas` and `answer_schemas`
(`listenbrainz_answers`, `absent_answers`, `own_answers`) are the OpenAPI document. `json_values`
reads single values, and `dead_listens` are those that cannot be events.

An answer is `ok` only after the broker has acknowledged all of a submission.
"""
