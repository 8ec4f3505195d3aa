"""Leaving tests out that cannot run on this machine, and saying so."""

import os
import sys

import pytest


def leave_out(config: pytest.Config, items: list[pytest.Item], mine: list[pytest.Item], why: str) -> None:
    """Take tests out of a run.

    Args:
        mine: the tests to take out, of `items`.
        why: a line for whoever started the tests; one of the processes prints it.
    """
    items[:] = [item for item in items if item not in mine]
    config.hook.pytest_deselected(items=mine)
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        # Past pytest's capture: with -q there is no header, and a worker's own output is not shown.
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{why}", file=sys.stderr, flush=True)  # noqa: T201
