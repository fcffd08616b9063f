"""A pytest plugin (`-p tests.support.mutating`): takes away one safeguard of the tested code."""

import os

from tests.support.mutations import mutate

mutate(os.environ["ECHOTUNE_TEST_MUTATION"])
