"""A generation: its model, its configuration, and the hashes that identify both.

`model_choice` parses `ECHOTUNE_MODEL`. `fold_factory` makes the empty state, and computes the
hashes of the configuration of states and lists. `warm_up` compiles the model before it is used.
"""
