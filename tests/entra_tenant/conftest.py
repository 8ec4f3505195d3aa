"""Fixtures of the tenant's own tests; an example for everybody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from . import PracticeServer, PracticeTenant
from .trusting_client import Client

Connect = Callable[[PracticeTenant], Client]


@pytest.fixture
def tenant() -> Iterator[PracticeTenant]:
    """A served tenant that signs Ada in without a page."""
    tenant = PracticeTenant(auto_sign_in="ada@contoso.example")
    with PracticeServer(tenant):
        yield tenant


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens clients and closes them after the test."""
    with ExitStack() as stack:
        yield lambda tenant: stack.enter_context(closing(Client(tenant)))


@pytest.fixture
def client(tenant: PracticeTenant, connect: Connect) -> Client:
    """A client of the tenant."""
    return connect(tenant)
