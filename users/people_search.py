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


def holders_of(word: str, *, limit: int) -> set[UUID]:
    """Return the ids of people whom a word means, found by indexes alone.

    Args:
        limit: how many are enough to know; where there are as many, some may be missing.
    """
    if connection.vendor == "postgresql":
        return set(User.objects.filter(matches(word)).order_by().values_list("pk", flat=True)[:limit])
    found = set(User.objects.filter(_begins(word)).order_by().values_list("pk", flat=True)[:limit])
    quoted = '"' + _part(word).replace('"', '""') + '"'
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [quoted, limit])
        found |= {UUID(digits) for (digits,) in cursor.fetchall()}
    return found


def matches_by_key(word: str, *, limit: int) -> Q:
    """Return the same condition in a form that looks at name and id alone, so that an index of both is enough.

    Args:
        limit: up to so many people whose email or user name begins so are put into the condition by their ids.
    """
    ids = set(User.objects.filter(_begins(word)).order_by().values_list("pk", flat=True)[: limit + 1])
    return Q(name_key__contains=_part(word)) | Q(pk__in=ids) if len(ids) <= limit else matches(word)


def _begins(word: str) -> Q:
    lowered = word.lower()
    return starts_with("company_email", lowered) | starts_with("user_name", lowered)


def _part(word: str) -> str:
    folded = fold(word)
    return folded if len(folded) > 2 else f"{GAP}{folded}"
