"""`manage.py audit`: the audit log, from a shell."""

from typing import Any

from users.audit_log import find_events
from users.management.base import DirectoryCommand, at_least_one
from users.models import AuditEvent


def event_row(event: AuditEvent) -> dict[str, Any]:
    """Return what is printed of an audit row."""
    return {
        "id": event.pk,
        "at": event.at.isoformat(),
        "action": event.action,
        "outcome": event.outcome,
        "code": event.error_code,
        "actor": event.actor_label,
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "target_type": event.target_type,
        "target_id": event.target_id,
        "target": event.target_label,
        "client_ip": event.client_ip,
        "reference": event.request_id,
        "occurrences": event.occurrences,
        "details": event.details,
    }


class Command(DirectoryCommand):
    """List audit rows."""

    help = "Read the audit log."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        listing = self.sub("list", self.list, "List audit rows, newest first.")
        listing.add_argument("--action", default="", help="an action, or the beginning of one: idp.provider")
        listing.add_argument("--person", default="", help="company email, user name or label")
        listing.add_argument("--code", default="", help="the code of a refusal: federation.no_match")
        listing.add_argument(
            "--reference", default="", help="the reference number of an error page; prints the row in full"
        )
        listing.add_argument("--before", type=int, help="only rows with a smaller id, for paging")
        listing.add_argument("--limit", type=at_least_one, default=50, help="at most this many (50 unless given)")

    def list(self, options: dict[str, Any]) -> None:
        """List audit rows."""
        events = find_events(
            action=options["action"],
            person=options["person"],
            code=options["code"],
            reference=options["reference"],
            before=options["before"],
        )
        rows = [event_row(event) for event in events[: options["limit"]]]
        if options["reference"] and rows and not self.as_json:
            for row in rows:
                details = {f"details.{name}": value for name, value in row.pop("details").items()}
                self.print_record({**row, **details})
                self.stdout.write("")
            return
        columns = ("at", "action", "outcome", "code", "actor", "target", "client_ip", "reference")
        self.print_table(rows, columns=columns, empty="No audit rows fit.")
