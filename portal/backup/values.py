"""Values of the database in a form that is the same for SQLite and PostgreSQL, and fits into a line of JSON."""

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connection, models

from users.fields import EncryptedTextField

# Each field's own word for what it holds, and ours. Whatever is not among them must be thought about first.
_KINDS = {
    "AutoField": "plain",
    "BigAutoField": "plain",
    "BigIntegerField": "plain",
    "BinaryField": "bytes",
    "BooleanField": "plain",
    "CharField": "plain",
    "DateField": "day",
    "DateTimeField": "moment",
    "GenericIPAddressField": "plain",
    "JSONField": "json",
    "OneToOneField": "plain",
    "PositiveBigIntegerField": "plain",
    "PositiveIntegerField": "plain",
    "PositiveSmallIntegerField": "plain",
    "TextField": "plain",
    "TimeField": "clock",
    "UUIDField": "uuid",
}
SECRET = "secret"  # noqa: S105  (the kind of a column, not one)

Convert = Callable[[Any], Any]


def kind_of(field: "models.Field[Any, Any]") -> str:
    """Return what a column holds; of a foreign key what it refers to. Raises KeyError for a kind of field unknown here.

    JSON is "json", and kept as the text that the database has.
    """
    while field.remote_field is not None:
        field = field.target_field  # type: ignore[attr-defined]
    return SECRET if isinstance(field, EncryptedTextField) else _KINDS[field.get_internal_type()]


def converters(convert: Mapping[str, Convert], kinds: list[str]) -> list[tuple[int, Convert]]:
    """Return the places of the columns whose values have to be converted, with how."""
    return [(place, convert[kind]) for place, kind in enumerate(kinds) if kind in convert]


def from_database() -> Mapping[str, Convert]:
    """Return how values that plain SQL read are written down: texts, numbers and truth values need nothing."""
    common: dict[str, Convert] = {
        "bytes": lambda value: base64.b64encode(value).decode(),
        "day": str,
        "clock": str,
    }
    if connection.vendor == "sqlite":
        return {**common, "moment": str}  # it has no time zones: all moments are in UTC
    as_utc: Convert = lambda value: str(value.astimezone(UTC).replace(tzinfo=None))  # noqa: E731
    return {**common, "moment": as_utc, "uuid": lambda value: value.hex}


def into_database() -> Mapping[str, Convert]:
    """Return how what was written down is given to the database.

    Raises of the converters:
        ValueError: the text is not what it should be. SQLite would take anything, and PostgreSQL knows "yesterday".
    """
    zone = "" if connection.vendor == "sqlite" else "+00"
    return {
        "bytes": lambda text: base64.b64decode(text, validate=True),
        "uuid": lambda text: uuid.UUID(text).hex,
        "moment": lambda text: f"{datetime.fromisoformat(text)}{zone}",
        "day": lambda text: str(date.fromisoformat(text)),
        "clock": lambda text: str(time.fromisoformat(text)),
    }
