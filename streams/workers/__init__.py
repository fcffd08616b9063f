"""The composition root: builds the two kinds of Faust workers from settings and addresses.

`faust_app` makes an app with literal names, which fetches chunks, and runs it; `stopping` ends it
within a bounded time. `worker_rights` lists the rights that a worker needs. `sequencer_worker` and
`recommender_worker` are the only modules that connect their parts. `supervisor` runs workers as
processes for `echotune run` and restarts them after a `backoff`; `generation_processes` decides
which ones, and `server_watch` does the same for embedded servers. `keeper` takes the steps of the
autopilot. A recommender that is far behind is slowed by `beside_live` and `priority`.
"""
