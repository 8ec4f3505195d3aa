"""What the former version has, and what a migration after it may do although the rule alone would refuse it.

At a release `FORMER` moves on to the newest migration of each app. `LIVED_WITH` then loses what is of no migration that
is still looked at, which a test names: the latest two of each app are, whether they are new or not.
"""

from django.db.migrations.loader import MigrationLoader

# The newest migration of each app that the former version knows.
FORMER = {"users": "0015_email_domain", "idp": "0007_access_policies"}

# (app, migration, operation) -> why the former version lives with it. tests/upgrades/rule.py names operations.
LIVED_WITH = {
    ("users", "0016_break_glass", "AddConstraint actionlink users_action_link_purpose_known"): (
        "takes the place of a narrower one of the same name in the same transaction"
    ),
    ("users", "0016_break_glass", "AddConstraint actionlink users_action_link_break_glass"): (
        "binds links of a purpose that the former version never writes"
    ),
    ("users", "0017_provided_people", "RunSQL"): (
        "adds a column with a default in the database; by hand, because SQLite keeps the triggers of the table so"
    ),
    ("idp", "0008_claims", "AddConstraint identityprovider idp_jit_state_known"): (
        "binds a new column, whose default in the database keeps it"
    ),
    ("idp", "0008_claims", "AddConstraint identityprovider idp_jit_domains_named"): (
        "binds new columns, whose defaults in the database keep it"
    ),
}


def former_targets(loader: MigrationLoader) -> list[tuple[str, str]]:
    """Return the newest migrations of the former version: ours by name, those of other apps as they are."""
    others = [target for target in loader.graph.leaf_nodes() if target[0] not in FORMER]
    return [*FORMER.items(), *others]
