"""How exact a wallet's history is on servers that lag, cache, reorder, correct, cap and cut.

A schedule takes about 10 ms. To play 10,000 of one kind with the databases in memory:

    TMPDIR=/dev/shm OPINIONSCOPE_TEST_ROUNDS=10000 OPINIONSCOPE_TEST_SERVERS=honest python -m tests.benchmarks servers
"""

import os
from collections.abc import Iterator

from tests.jobs.whales.schedules import ROWS, measure
from tests.rounds import rounds


def unfriendly_servers() -> Iterator[str]:
    """Random schedules of each kind of server; only those named in OPINIONSCOPE_TEST_SERVERS, if any are."""
    named = os.environ.get("OPINIONSCOPE_TEST_SERVERS", "")
    for name in named.split("|") if named else ROWS:
        yield measure(name, rounds(200))
