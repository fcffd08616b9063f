"""The console: a page in the browser for listeners and administrators, and what it asks for.

`assets` and `page` give the page itself, which needs no token. Everything that it shows is asked
for with the person's token: `listener_views` and `feedback_by_track` (history, clients, feedback),
`shown_status` with `recent_status` (how the system is), `generations`, and `imports`. `live_events`
tells an open page what has changed, `console_state` is what all open pages share, and `routes` has
their paths. A file is imported by an `import_process`, which is a `child_process`. The page is
plain JavaScript in `static/`; no part of it comes from another host.
"""
