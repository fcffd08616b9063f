"""What a generation is: a model, a configuration, and hashes that identify both.

`model_choice` reads `ECHOTUNE_MODEL`, `fold_factory` makes the empty state and says by which
configuration states and lists are made, `warm_up` compiles the model before anything depends on it.
"""
