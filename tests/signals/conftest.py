"""Four followed wallets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.signals.following import Following, following


@pytest.fixture
def wallets(tmp_path: Path) -> Iterator[Following]:
    """Wallets whose histories are empty and read; the next run is a minute later."""
    with following(tmp_path) as ready:
        yield ready
