"""The composition root: settings and addresses in, two kinds of Faust workers out.

`faust_app` makes an app with the transport of chunks and literal names. `sequencer_worker` and
`recommender_worker` connect the parts of each; nothing else does. `supervisor` runs workers as
processes for `echotune run` and restarts them.
"""
