"""The HTTP service: ListenBrainz' API for players and scrobblers, and lists on demand.

A request goes one way through this room. `path_rules` mends its path, an endpoint asks
`authentication` who it is, `request_bodies` reads its body within bounds, a pure module says what
it means (`submissions`, `listen_events`, `client_stamps`, `listenbrainz_json`, `playback_reports`,
`stated_wishes`), and the parts in `Services` carry it out: the producer, people, lists, questions
to the model, tracks and listens. `problems` has the only form of errors, and `rate_limits` bounds
reads. Beside requests, `playback_settler` makes plays of what players reported, and the projector,
relays and hidden skips have rooms or modules of their own. `console` is the page in the browser.
The process keeps no state: any number of them may serve.

An answer is `ok` only after the broker has acknowledged all of a submission.
"""
