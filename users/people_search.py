"""Searching people: by the beginning of an email or a user name, or by part of a name."""

from uuid import UUID

from django.db import connection
from django.db.models import Q

from users.models import User
from users.name_key import GAP, fold
from users.prefixes import starts_with

MAX_WORDS = 8
_PARTS = """
    SELECT person_id FROM users_namenumber
    WHERE number IN (SELECT rowid FROM users_nameparts(%s) LIMIT %s)
"""


def words_of(search: str) -> list[str]:
    """Return the words of a search, every one of which must be found."""
    return search.replace("\x00", "\ufffd").split()[:MAX_WORDS]


def matches(word: str) -> Q:
    """Return the condition that a word begins the email or the user name, or is part of the name.

    One or two letters must begin a word of the name: within words they would find nearly everybody.
    """
    return _begins(word) | Q(name_key__contains=_part(word))


def holders_of(word: str, *, most: int) -> set[UUID] | None:
    """Return the ids of the people whom a word means, found by indexes alone; None where they are more than so many."""
    if connection.vendor == "postgresql":
        found = set(User.objects.filter(matches(word)).order_by().values_list("pk", flat=True)[: most + 1])
        return found if len(found) <= most else None
    by_beginning = _ids_by_beginning(word, most)
    by_part = None if by_beginning is None else _ids_by_part(word, most)
    if by_beginning is None or by_part is None:
        return None
    found = by_beginning | by_part
    return found if len(found) <= most else None


def matches_by_key(word: str, *, most: int) -> Q:
    """Return the same condition as `matches` in a form for which an index of names and ids is enough, where it can be.

    Args:
        most: up to so many people whose email or user name begins so are put into the condition by their ids.
    """
    ids = _ids_by_beginning(word, most)
    return matches(word) if ids is None else Q(name_key__contains=_part(word)) | Q(pk__in=ids)


def _ids_by_beginning(word: str, most: int) -> set[UUID] | None:
    """Return whose email or user name begins so; None for more than so many."""
    # Stepping over so many costs little, fetching their ids much.
    people = User.objects.filter(_begins(word)).order_by()
    return None if people[most : most + 1].exists() else set(people.values_list("pk", flat=True))


def _ids_by_part(word: str, most: int) -> set[UUID] | None:
    """Return of whose name the word is part, from SQLite's index of parts; None for more than so many."""
    quoted = '"' + _part(word).replace('"', '""') + '"'
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [quoted, most + 1])
        found = cursor.fetchall()
    return {UUID(digits) for (digits,) in found} if len(found) <= most else None


def _begins(word: str) -> Q:
    lowered = word.lower()
    return starts_with("company_email", lowered) | starts_with("user_name", lowered)


def _part(word: str) -> str:
    folded = fold(word)
    return folded if len(folded) > 2 else f"{GAP}{folded}"
