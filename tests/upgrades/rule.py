"""The rule that lets a migration run while the former version serves, asked of each operation of a migration.

docs/upgrading.md says it in words.
"""

from collections.abc import Iterator

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import operations as of
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field

ADVICE = (
    "The former version goes on serving while this migration runs, and after it until the last process is replaced. "
    "See docs/upgrading.md, 'The rule for migrations'. If it lives with this all the same, say why in "
    "tests/upgrades/released.py."
)
# What the former version cannot notice: new tables, looser rules, and what only Python knows.
HARMLESS = (
    of.CreateModel,
    of.RemoveConstraint,
    of.RemoveIndex,
    of.AlterModelOptions,
    of.AlterModelManagers,
    of.AlterModelTableComment,
    AddIndexConcurrently,
)


def name_of(operation: Operation) -> str:
    """Return what an operation is called here: its kind, its model, and what of that it is about."""
    about = getattr(operation, "constraint", None) or getattr(operation, "index", None)
    parts = [
        type(operation).__name__,
        getattr(operation, "model_name", "") or getattr(operation, "name", ""),
        about.name if about else getattr(operation, "name", "") if hasattr(operation, "model_name") else "",
    ]
    return " ".join(part for part in parts if part)


def broken_by(operation: Operation, app: str, *, before: ProjectState, former: ProjectState) -> Iterator[str]:
    """Yield why the former version cannot live with an operation.

    Args:
        before: the models as the migrations before this operation leave them.
        former: the models that the former version has.
    """
    if isinstance(operation, of.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from broken_by(inner, app, before=before, former=former)
        return
    table = (app, str(getattr(operation, "model_name", "")).lower())
    if isinstance(operation, HARMLESS) or (table[1] and table not in former.models):
        return  # nobody but the new version uses a new table
    why = _why(operation, before.models[table].fields if table in before.models else {})
    if why:
        yield f"{name_of(operation)}: {why}"


def _why(operation: Operation, fields: "dict[str, Field]") -> str:
    match operation:
        case of.AddField(field=field):
            return _added(field)
        case of.AlterField(field=field, name=name):
            return _altered(fields[name], field)
        case of.AddIndex():
            return "nobody writes to the table while PostgreSQL makes it; use AddIndexConcurrently"
        case of.AddConstraint():
            return "what the former version writes may break it; add it in the release after"
        case of.RunSQL() | of.RunPython():
            return "nobody but a reader can say what it does: how long it locks, and whether old code meets it"
        case _:
            return "the former version uses what this renames, removes or changes; do it in the release after"


def _added(field: "Field") -> str:
    if field.many_to_many or (field.null and not field.unique) or (field.has_db_default() and not field.unique):
        return ""
    return "the former version does not fill the column: make it null=True, or give it a db_default"


def _altered(old: "Field", new: "Field") -> str:
    """Return what is wrong with another form of a field. Wider is fine, and so is what no database knows."""

    def form(field: "Field") -> dict[str, object]:
        _, path, arguments, options = field.deconstruct()
        known = {name: value for name, value in options.items() if name not in field.non_db_attrs}
        known.pop("default", None)
        return {"path": path, "arguments": tuple(arguments), **known}

    was, becomes = form(old), form(new)
    loosened = {name for name, value in becomes.items() if was.get(name) != value} | (was.keys() - becomes.keys())
    if (was.get("max_length") or 0) <= (becomes.get("max_length") or 0):  # type: ignore[operator]
        loosened.discard("max_length")
    if new.null or not old.null:
        loosened.discard("null")
    if new.has_db_default():
        loosened.discard("db_default")
    return f"it changes {', '.join(sorted(loosened))} of a column in use" if loosened else ""
