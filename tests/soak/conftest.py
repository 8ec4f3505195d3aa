"""The soak needs servers, which not every machine has."""

from pathlib import Path

import pytest

from tests.leaving_out import leave_out
from tests.servers import soak_left_out

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soak out where there are no servers for it, and say so. In CI it stays, and fails."""
    mine = [item for item in items if HERE in item.path.parents]
    if mine and (why := soak_left_out()):
        leave_out(config, items, mine, why)
