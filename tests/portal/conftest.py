"""Fixtures of the portal's tests."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.canaries import Watch
from tests.log_lines import written


@pytest.fixture
def watch(capfd: pytest.CaptureFixture[str], settings: LazySettings) -> Iterator[Watch]:
    """Everything that is written during the test, down to what DEBUG lets through."""
    settings.LOG_COMMANDS = True
    with written() as log:
        yield Watch(log, capfd)
