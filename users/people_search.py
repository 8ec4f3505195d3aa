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
        return _ids(matches(word), most)
    by_beginning = None if _are_many(_begins(word), most) else _ids(_begins(word), most)
    by_part = None if by_beginning is None else _ids_by_part(word, most)
    if by_beginning is None or by_part is None or len(found := by_beginning | by_part) > most:
        return None
    return found


def matches_by_key(word: str, *, most: int) -> Q:
    """Return the same condition as `matches` in a form for which an index of names and ids is enough, where it can be.

    Args:
        most: up to so many people whose email or user name begins so are put into the condition by their ids.
    """
    begin = _begins(word)
    ids = None if _are_many(begin, most) else _ids(begin, most)
    return matches(word) if ids is None else Q(name_key__contains=_part(word)) | Q(pk__in=ids)


def _are_many(condition: Q, most: int) -> bool:
    """Return whether more people fulfil a condition: a step over so many, where fetching their ids would take long."""
    return User.objects.filter(condition).order_by()[most : most + 1].exists()


def _ids(condition: Q, most: int) -> set[UUID] | None:
    found = set(User.objects.filter(condition).order_by().values_list("pk", flat=True)[: most + 1])
    return found if len(found) <= most else None


def _ids_by_part(word: str, most: int) -> set[UUID] | None:
    """Return the same of those of whose name the word is part, from SQLite's index of parts."""
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
