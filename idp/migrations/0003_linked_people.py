"""Tells each person's row whether there is a federated identity, whoever makes or removes it."""

from django.db import migrations

_LINKED = "UPDATE users_user SET linked = {yes} WHERE id {new} AND NOT linked;"
_UNLINKED = (
    "UPDATE users_user SET linked = {no} WHERE id {old} AND linked "
    "AND NOT EXISTS (SELECT 1 FROM idp_federatedidentity WHERE person_id = users_user.id);"
)


def fill(apps, schema_editor):
    """People who are linked already, and when each of them signed in last."""
    schema_editor.execute(
        "UPDATE users_user SET linked = %s WHERE id IN (SELECT person_id FROM idp_federatedidentity)", [True]
    )
    schema_editor.execute(
        "UPDATE users_user SET last_login = known.at FROM (SELECT person_id, MAX(last_sign_in_at) AS at "
        "FROM idp_federatedidentity WHERE last_sign_in_at IS NOT NULL GROUP BY person_id) AS known "
        "WHERE known.person_id = users_user.id AND (last_login IS NULL OR last_login < known.at)"
    )


def nothing(apps, schema_editor):
    """The columns go with the migration before."""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        on = _LINKED.format(yes="1", new="= NEW.person_id")
        off = _UNLINKED.format(no="0", old="= OLD.person_id")
        for name, event, does in (
            ("made", "INSERT", on),
            ("gone", "DELETE", off),
            ("moved", "UPDATE OF person_id", f"{on} {off}"),
        ):
            schema_editor.execute(
                f"CREATE TRIGGER idp_link_{name}_marks_person AFTER {event} ON idp_federatedidentity BEGIN {does} END"
            )
        return
    # One statement for as many links as there are: re-linking a company changes them by the thousand.
    on = _LINKED.format(yes="true", new="IN (SELECT person_id FROM now)")
    off = _UNLINKED.format(no="false", old="IN (SELECT person_id FROM before)")
    for name, event, tables, does in (
        ("made", "INSERT", "NEW TABLE AS now", on),
        ("gone", "DELETE", "OLD TABLE AS before", off),
        ("moved", "UPDATE", "OLD TABLE AS before NEW TABLE AS now", f"{on} {off}"),
    ):
        # Sign-ins update a link's times: whose it is stays the same, and looking costs nothing.
        guard = "IF EXISTS (SELECT person_id FROM now EXCEPT SELECT person_id FROM before) THEN {} END IF;"
        body = guard.format(does) if name == "moved" else does
        schema_editor.execute(
            f"CREATE FUNCTION idp_link_{name}_marks_person() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER idp_link_{name}_marks_person AFTER {event} ON idp_federatedidentity "
            f"REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION idp_link_{name}_marks_person()"
        )


def drop(apps, schema_editor):
    for name in ("made", "gone", "moved"):
        trigger = f"idp_link_{name}_marks_person"
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON idp_federatedidentity")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {trigger}()")


class Migration(migrations.Migration):
    dependencies = [("idp", "0002_conformance_and_rehearsal"), ("users", "0006_people_counts_and_search")]

    operations = [migrations.RunPython(fill, nothing), migrations.RunPython(create, drop)]
