"""A directory full of made-up people, for measuring lists: the same ones every time, straight into the tables."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from users.bulk import insert_like
from users.models import Source, State, User
from users.name_key import name_key

_SYLLABLES = [f"{first}{second}" for first in "bdfghjklmnprstvwz" for second in "aeio"]
BATCH = 50_000
COLUMNS = (
    "id", "user_name", "company_email", "display_name", "given_name", "family_name", "state", "name_key",
    "last_login", "created_at",
)  # fmt: skip
# Of a thousand people so many have not started yet, and so many are suspended.
STAGED, SUSPENDED = 60, 60


def fill(number: int, *, seed: int = 0) -> None:
    """Add so many people, most of them active and some without a sign-in yet.

    Args:
        seed: another one makes other people: the number of those that are there already.
    """
    if connection.vendor == "sqlite":
        # The indexes of a million people do not fit into what SQLite keeps at hand unless told to.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -1000000")
    rows = _people(number, seed)
    template = User(password="!", source=Source.IMPORT, updated_at=timezone.now())  # noqa: S106  (no password at all)
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            insert_like(template, COLUMNS, batch)


def _people(number: int, seed: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(4711 + seed)  # noqa: S311  (the same people every time)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    for index in range(seed, seed + number):
        given, family = _word(chance, 2), _word(chance, 3)
        display = f"{given} {family}"
        email = f"{given}.{family}.{index}@contoso.example".lower()
        lot = chance.randrange(1000)
        state = State.STAGED if lot < STAGED else State.SUSPENDED if lot < STAGED + SUSPENDED else State.ACTIVE
        signed_in = state != State.STAGED and chance.random() < 0.8
        key = name_key(display_name=display, given_name=given, family_name=family, company_email=email)
        yield (
            uuid.UUID(int=chance.getrandbits(128), version=4),
            f"{given}.{family}.{index}".lower(),
            email,
            display,
            given,
            family,
            state.value,
            key,
            day - timedelta(seconds=chance.randrange(30_000_000)) if signed_in else None,
            day - timedelta(seconds=chance.randrange(90_000_000)),
        )


def _word(chance: random.Random, syllables: int) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(syllables)).capitalize()
