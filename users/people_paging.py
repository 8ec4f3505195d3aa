"""The orders of the list of people, and its pages: each begins at a key, never at a number."""

import contextlib
import uuid
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from users.models import User

SORTS = {"name": "name_key", "email": "company_email", "last_sign_in": "last_login", "created": "created_at"}
TIMES = ("last_login", "created_at")

People = QuerySet[User]
# A value of the column sorted by (None: never signed in), and the person's id.
Key = tuple[str | datetime | None, uuid.UUID]


def order_of(sort: str) -> tuple[str, bool]:
    """Return the column that an order goes by, and whether it descends; what is no order is the one by name."""
    name = sort.removeprefix("-")
    return (SORTS[name], sort.startswith("-")) if name in SORTS else (SORTS["name"], False)


def some_after(people: People, column: str, descending: bool, key: Key | None, size: int) -> list[User]:
    """Return the next people in an order, or the first of it where there is no key.

    Never having signed in counts as before all times.
    """
    if column != "last_login":
        return _stretch(people, column, descending, key, size)
    never = ("id", people.filter(last_login__isnull=True))
    once = (column, people.filter(last_login__isnull=False))
    parts = [once, never] if descending else [never, once]
    if key is not None and (key[0] is None) != (parts[0] is never):
        parts = parts[1:]
    rows: list[User] = []
    for name, part in parts:
        rows += _stretch(part, name, descending, key, size - len(rows))
        key = None
        if len(rows) == size:
            break
    return rows


def _stretch(people: People, column: str, descending: bool, key: Key | None, size: int) -> list[User]:
    """Return people after a key of one column that holds no nulls. Said twice, because an index answers the second."""
    beyond, sign = ("lt", "-") if descending else ("gt", "")
    if key is not None and column == "id":
        people = people.filter(**{f"pk__{beyond}": key[1]})
    elif key is not None:
        value, pk = key
        people = people.filter(
            Q(**{f"{column}__{beyond}": value}) | Q(**{column: value, f"pk__{beyond}": pk}),
            **{f"{column}__{beyond}e": value},
        )
    order = [f"{sign}id"] if column == "id" else [f"{sign}{column}", f"{sign}id"]
    # First the ids, for which an index may be enough; then the rows of these few.
    ids = list(people.order_by(*order).values_list("pk", flat=True)[:size])
    rows = User.objects.in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def key_of(person: User, column: str) -> Key:
    """Return where a person stands in an order."""
    return getattr(person, column), person.pk


def key_text(person: User, column: str) -> str:
    """Return the same as an address has it."""
    value = getattr(person, column)
    if column in TIMES:
        value = value.isoformat() if value else ""
    return f"{value}~{person.pk}"


def parse_key(text: str, column: str) -> Key | None:
    """Return the key that a text of `key_text` means, or None for what is none."""
    value, _, pk = text.rpartition("~")
    with contextlib.suppress(ValueError, OverflowError):
        key = uuid.UUID(pk)
        if column not in TIMES:
            return (value, key) if "\x00" not in value else None
        if not value:
            return (None, key) if column == "last_login" else None
        at = datetime.fromisoformat(value)
        return ((at if timezone.is_aware(at) else timezone.make_aware(at)).astimezone(UTC), key)
    return None
