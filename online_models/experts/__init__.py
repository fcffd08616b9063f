"""The experts: each says which tracks may come next, and what it knows of each."""
