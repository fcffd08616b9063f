"""Safeguards that can be taken away."""


def mutate(name: str) -> None:
    """Takes the safeguard `name` away in this process."""
    raise KeyError(name)
