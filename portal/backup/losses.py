"""What a restore would replace, in numbers."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from django.db import connection

# Whatever the state of its migrations: these tables had these names in every version.
_COUNTED = {
    "people": "users_user",
    "administrators": "users_user WHERE admin_role IS NOT NULL",
    "groups": "users_group",
    "providers": "idp_identityprovider",
    "links": "idp_federatedidentity",
    "sessions": "users_usersession WHERE person_id IS NOT NULL",
    "audit_events": "users_auditevent",
}


@dataclass(frozen=True)
class Losses:
    """How much of what is in the database now.

    Attributes:
        events_since: audit rows after the moment of the backup: what happened since then, and would be unknown.
    """

    people: int = 0
    administrators: int = 0
    groups: int = 0
    providers: int = 0
    links: int = 0
    sessions: int = 0
    audit_events: int = 0
    events_since: int = 0

    @property
    def is_in_use(self) -> bool:
        """Whether somebody would miss it."""
        return bool(self.people or self.providers or self.groups)

    def numbers(self) -> dict[str, int]:
        """Return it for machines and the audit log."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def in_words(self) -> str:
        """Return what there is, for a person."""
        named = {name.replace("_", " "): count for name, count in self.numbers().items() if name != "events_since"}
        words = ", ".join(f"{count:,} {name}" for name, count in named.items() if count)
        return f"{words}; {self.events_since:,} of the audit events are newer than the backup"


def losses_here(*, since: str) -> Losses:
    """Count what the database at hand has.

    Args:
        since: the moment of the backup, ISO 8601.
    """
    there = set(connection.introspection.table_names())
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        for name, rows in _COUNTED.items():
            if rows.partition(" ")[0] in there:
                cursor.execute(f"SELECT COUNT(*) FROM {rows}")  # noqa: S608  (our own names)
                counts[name] = cursor.fetchone()[0]
        if "audit_events" in counts:
            moment = datetime.fromisoformat(since).astimezone(UTC)
            text = connection.ops.adapt_datetimefield_value(moment)
            cursor.execute("SELECT COUNT(*) FROM users_auditevent WHERE at > %s", [text])
            counts["events_since"] = cursor.fetchone()[0]
    return Losses(**counts)


def audit_number() -> int:
    """Return the highest number that an audit row of the database at hand has; 0 without any."""
    if "users_auditevent" not in connection.introspection.table_names():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM users_auditevent")
        return int(cursor.fetchone()[0])
