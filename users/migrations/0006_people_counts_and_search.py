"""Keeps the counts of people and the index for parts of names in the database itself, whoever changes a person."""

import unicodedata

from django.db import migrations

_COUNTED = "state, admin_role, linked, last_login"
_SORT = "state, COALESCE(admin_role, '') AS admin_role, linked, last_login IS NOT NULL AS signed_in"
_COLUMNS = "state, admin_role, linked, signed_in"
BATCH = 2000


def _words(text):
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).split()


def fill_name_keys(apps, schema_editor):
    """The same as users.name_key does, as it was when this was written."""
    User = apps.get_model("users", "User")
    people = User.objects.only("pk", "display_name", "given_name", "family_name", "company_email").order_by("pk")
    batch = list(people[:BATCH])
    while batch:
        for person in batch:
            words = _words(person.display_name)
            words += [word for word in _words(f"{person.given_name} {person.family_name}") if word not in words]
            person.name_key = "".join(f"  {word}" for word in words or [person.company_email])[:480]
        _store(schema_editor, batch)
        batch = list(people.filter(pk__gt=batch[-1].pk)[:BATCH])


def _store(schema_editor, people):
    # Not by save(): the field of the real model puts its key together itself, this historical one may not.
    with schema_editor.connection.cursor() as cursor:
        field = people[0]._meta.pk
        cursor.executemany(
            "UPDATE users_user SET name_key = %s WHERE id = %s",
            [(person.name_key, field.get_db_prep_save(person.pk, schema_editor.connection)) for person in people],
        )


def forget_name_keys(apps, schema_editor):
    """Nothing to do: the column goes."""


def create_counts(apps, schema_editor):
    schema_editor.execute("DELETE FROM users_peoplecount")
    schema_editor.execute(
        f"INSERT INTO users_peoplecount ({_COLUMNS}, amount) "
        f"SELECT {_COLUMNS}, COUNT(*) FROM (SELECT {_SORT} FROM users_user) AS sorts GROUP BY {_COLUMNS}"
    )
    if schema_editor.connection.vendor == "sqlite":
        _create_counts_on_sqlite(schema_editor)
    else:
        _create_counts_on_postgresql(schema_editor)


def _create_counts_on_sqlite(schema_editor):
    def same(row):
        return (
            f"state = {row}.state AND admin_role = COALESCE({row}.admin_role, '') AND linked = {row}.linked "
            f"AND signed_in = ({row}.last_login IS NOT NULL)"
        )

    # Down only where there is a row: emptying all tables at once may empty the counts first.
    down = f"UPDATE users_peoplecount SET amount = amount - 1 WHERE {same('OLD')};"
    up = (
        f"INSERT INTO users_peoplecount ({_COLUMNS}, amount) SELECT NEW.state, COALESCE(NEW.admin_role, ''), "
        f"NEW.linked, NEW.last_login IS NOT NULL, 0 "
        f"WHERE NOT EXISTS (SELECT 1 FROM users_peoplecount WHERE {same('NEW')}); "
        f"UPDATE users_peoplecount SET amount = amount + 1 WHERE {same('NEW')};"
    )
    moved = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in ("state", "admin_role", "linked"))
    moved += " OR (OLD.last_login IS NULL) <> (NEW.last_login IS NULL)"
    for name, event, does in (
        ("added", "INSERT", up),
        ("removed", "DELETE", down),
        ("moved", f"UPDATE OF {_COUNTED}", f"{down} {up}"),
    ):
        when = f"WHEN {moved} " if name == "moved" else ""
        schema_editor.execute(
            f"CREATE TRIGGER users_person_{name}_counts AFTER {event} ON users_user {when}BEGIN {does} END"
        )


def _create_counts_on_postgresql(schema_editor):
    rows = {"added": [("now", 1)], "removed": [("before", -1)], "moved": [("now", 1), ("before", -1)]}
    events = {
        "added": ("INSERT", "NEW TABLE AS now"),
        "removed": ("DELETE", "OLD TABLE AS before"),
        "moved": ("UPDATE", "OLD TABLE AS before NEW TABLE AS now"),
    }
    for name, tables in rows.items():
        sorts = " UNION ALL ".join(f"SELECT {_SORT}, {step} AS step FROM {table}" for table, step in tables)
        schema_editor.execute(
            f"CREATE FUNCTION users_person_{name}_counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO users_peoplecount ({_COLUMNS}, amount) "
            f"SELECT {_COLUMNS}, SUM(step) FROM ({sorts}) AS sorts GROUP BY {_COLUMNS} HAVING SUM(step) <> 0; "
            "RETURN NULL; END $$"
        )
        event, referencing = events[name]
        schema_editor.execute(
            f"CREATE TRIGGER users_person_{name}_counts AFTER {event} ON users_user REFERENCING {referencing} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION users_person_{name}_counts()"
        )


def drop_counts(apps, schema_editor):
    for name in ("added", "removed", "moved"):
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS users_person_{name}_counts")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS users_person_{name}_counts ON users_user")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS users_person_{name}_counts()")


def create_search(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        # Comes with PostgreSQL; the owner of a database may create it, and one that is there already will do.
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        schema_editor.execute("CREATE INDEX users_name_parts ON users_user USING gin (name_key gin_trgm_ops)")
        return
    # Rows of users_user have no number that lasts, so each gets one here, and the index of parts goes by that.
    schema_editor.execute(
        "CREATE TABLE users_namenumber (number integer PRIMARY KEY AUTOINCREMENT, person_id char(32) NOT NULL UNIQUE)"
    )
    schema_editor.execute(
        "CREATE VIRTUAL TABLE users_nameparts USING fts5(name_key, tokenize='trigram', columnsize=0)"
    )
    schema_editor.execute("INSERT INTO users_namenumber (person_id) SELECT id FROM users_user")
    schema_editor.execute(
        "INSERT INTO users_nameparts (rowid, name_key) "
        "SELECT number, name_key FROM users_namenumber JOIN users_user ON id = person_id"
    )
    number = "(SELECT number FROM users_namenumber WHERE person_id = {}.id)"
    add = (
        "INSERT INTO users_namenumber (person_id) VALUES (NEW.id); "
        f"INSERT INTO users_nameparts (rowid, name_key) VALUES ({number.format('NEW')}, NEW.name_key);"
    )
    change = f"UPDATE users_nameparts SET name_key = NEW.name_key WHERE rowid = {number.format('NEW')};"
    remove = (
        f"DELETE FROM users_nameparts WHERE rowid = {number.format('OLD')}; "
        "DELETE FROM users_namenumber WHERE person_id = OLD.id;"
    )
    for name, event, does in (
        ("added", "AFTER INSERT", add),
        ("renamed", "AFTER UPDATE OF name_key", change),
        ("removed", "AFTER DELETE", remove),
    ):
        when = "WHEN OLD.name_key <> NEW.name_key " if name == "renamed" else ""
        schema_editor.execute(f"CREATE TRIGGER users_person_{name}_parts {event} ON users_user {when}BEGIN {does} END")


def drop_search(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        schema_editor.execute("DROP INDEX IF EXISTS users_name_parts")
        return
    for name in ("added", "renamed", "removed"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS users_person_{name}_parts")
    for table in ("users_nameparts", "users_namenumber"):
        schema_editor.execute(f"DROP TABLE IF EXISTS {table}")


class Migration(migrations.Migration):
    dependencies = [("users", "0005_people_at_scale")]

    operations = [
        migrations.RunPython(fill_name_keys, forget_name_keys),
        migrations.RunPython(create_counts, drop_counts),
        migrations.RunPython(create_search, drop_search),
    ]
