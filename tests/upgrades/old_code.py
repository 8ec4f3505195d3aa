"""What the former version does to each of its tables, by the models as it knows them.

Every model gets a row with all columns that the former version has, which is read, changed and deleted: old code names
its columns, and knows no other.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from django.apps.registry import Apps
from django.db import DatabaseError, connection, models, transaction

from users.fields import EncryptedTextField, Secret

OURS = ("users", "idp")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
# What a field of this kind holds where a row must have something.
SAMPLES: dict[type[models.Field], Any] = {
    models.DateTimeField: AT,
    models.DateField: date(2026, 1, 31),
    models.TimeField: time(12),
    models.JSONField: {},
    models.BooleanField: False,
    models.BinaryField: b"sample",
}
# Rows that the database takes only so.
NEEDED: dict[str, dict[str, Any]] = {
    "users.actionlink": {"purpose": "invitation"},
    "idp.routingguard": {"started_at": AT, "until": AT + timedelta(minutes=30), "failure_percent": 50},
}
numbers = count(1)


def models_of(apps: Apps) -> Iterator[type[models.Model]]:
    """Yield our models of a version."""
    for app in OURS:
        yield from apps.get_app_config(app).get_models(include_auto_created=True)


def value_for(field: "models.Field") -> Any:
    """Return something that a column may hold, another one each time where it is a text or a number."""
    if isinstance(field, models.ForeignKey):
        return make(field.related_model)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, EncryptedTextField):
        return Secret.of("sample")
    for kind, sample in SAMPLES.items():
        if isinstance(field, kind):
            return sample
    number = next(numbers)
    if isinstance(field, models.IntegerField):
        return number
    return f"sample-{number}"[-(field.max_length or 100) :]


def make(model: type[models.Model]) -> models.Model:
    """Insert a row of a model, and those that it belongs to."""
    values = NEEDED.get(model._meta.label_lower, {})
    for field in model._meta.concrete_fields:
        filled = field.null or field.blank or field.has_default() or field.name in values
        # A key without case is unique, and a name is put together by code that a historical model lacks.
        if not filled or (field.unique and not field.null and not field.primary_key) or field.name == "name_key":
            values = {**values, field.name: value_for(field)}
    return model._default_manager.create(**values)


def do_all(apps: Apps) -> dict[str, str]:
    """Insert, read, change and delete a row of each model; return how each of that went. Leaves nothing behind."""
    went: dict[str, str] = {}
    for model in models_of(apps):
        with transaction.atomic():
            # Some tables have one row only.
            attempt(model._default_manager.all().delete)
            made: list[models.Model] = []
            acts = {
                "insert": lambda model=model, made=made: made.append(make(model)),
                "read": lambda model=model: list(model._default_manager.all()),
                "change": lambda made=made: change(made[0]),
                "delete": lambda made=made: made[0].delete(),
            }
            for name, act in acts.items():
                has_row = made or name in {"insert", "read"}
                went[f"{name} {model._meta.label_lower}"] = attempt(act) if has_row else "there is no row"
            transaction.set_rollback(True)
    return went


def attempt(act: Callable[[], object]) -> str:
    """Return "done", or why the database refused it."""
    try:
        with transaction.atomic():
            act()
            # What is checked at the end of a transaction only is checked now.
            if connection.vendor == "postgresql":
                connection.check_constraints()
    except DatabaseError as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return "done"


def change(row: models.Model) -> None:
    """Write every column anew."""
    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    columns.pop(row._meta.pk.attname)
    if columns:
        assert type(row)._default_manager.filter(pk=row.pk).update(**columns) == 1


def keep_rows(apps: Apps) -> None:
    """Leave a row in every table that takes one."""
    for model in models_of(apps):
        with transaction.atomic():
            make(model)


def contents(apps: Apps) -> dict[str, list[str]]:
    """Return every row of every table, in the columns that the former version has."""
    return {
        model._meta.label_lower: sorted(repr(row) for row in model._default_manager.values())
        for model in models_of(apps)
    }
