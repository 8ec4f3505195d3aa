"""Fixtures of the tests of backup and restore."""

import pytest

from portal.backup import age


@pytest.fixture(autouse=True)
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a passphrase cost little in this process, as password hashes do."""
    monkeypatch.setattr(age, "WORK_FACTOR", 10)
