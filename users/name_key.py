"""The texts by which people and groups are searched and sorted by name: one column, folded the same everywhere."""

import unicodedata
from typing import Any

from django.db import models

KEY_MAX_LENGTH = 480
# Before every word stand two spaces, so that even the beginning of a word of one letter is three characters long:
# that is what the indexes on both databases look parts of a text up by.
GAP = "  "


def fold(text: str) -> str:
    """Return a text without case and accents: "José" and "JOSE" fold to the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def name_key(*, display_name: str, given_name: str, family_name: str, company_email: str) -> str:
    """Return the words of a person's names, folded; first those of the name that lists show, so that it sorts them.

    The company email stands in for somebody without a name, as it does in lists.
    """
    words = fold(display_name).split()
    words += [word for word in fold(f"{given_name} {family_name}").split() if word not in words]
    return "".join(f"{GAP}{word}" for word in words or [company_email])[:KEY_MAX_LENGTH]


def case_key(text: str) -> str:
    """Return a text without case alone: "ÉCOLE" and "école" have the same key, "ecole" has another.

    Here and not in the database: SQLite knows the capital letters of ASCII only.
    """
    return unicodedata.normalize("NFC", text.casefold())


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Holds the `name_key` of its row, put together whenever the row is saved, as `auto_now` does with times.

    A service that saves some fields only has to name this one beside the names that it changes.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": KEY_MAX_LENGTH, "editable": False, "default": "", **options})

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Return the key of the names that the row has now."""
        person: Any = model_instance
        key = name_key(
            display_name=person.display_name,
            given_name=person.given_name,
            family_name=person.family_name,
            company_email=person.company_email,
        )
        setattr(person, self.attname, key)
        return key


class CaseKeyField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Holds the `case_key` of its row's name, whenever the row is saved; three times as long as a name at most."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 300, "editable": False, "default": "", **options})

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Return the key of the name that the row has now."""
        named: Any = model_instance
        key = case_key(named.name)
        setattr(named, self.attname, key)
        return key
