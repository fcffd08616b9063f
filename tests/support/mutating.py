"""A pytest plugin (`-p tests.support.mutating`): takes one safeguard away from what is tested."""

import os

from tests.support.mutations import mutate

mutate(os.environ["ECHOTUNE_TEST_MUTATION"])
