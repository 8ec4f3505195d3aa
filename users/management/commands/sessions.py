"""`manage.py sessions`: who is signed in where, and ending it, from a shell."""

from typing import Any

from users.management.base import PERSON, DirectoryCommand, at_least_one
from users.models import UserSession
from users.services import find_person
from users.session_list import end_all_sessions, end_session, end_sessions_of, find_sessions

SESSION = "what `sessions list` names it by"


def session_row(session: UserSession) -> dict[str, Any]:
    """Return what is printed of a session. Its name opens nothing."""
    return {
        "session": session.session_key,
        "person": session.person.company_email if session.person else None,
        "portal": session.realm,
        "provider_id": str(session.provider_id) if session.provider_id else None,
        "client_ip": session.client_ip,
        "user_agent": session.user_agent,
        "signed_in_at": session.signed_in_at,
        "last_seen_at": session.last_seen_at,
        "ends_at": session.expire_date,
    }


class Command(DirectoryCommand):
    """List live sessions, and end one, a person's, or all."""

    help = "List and end sessions."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        listed = self.sub("list", self.list, "List live sessions, the newest sign-in first.")
        listed.add_argument("person", nargs="?", help=f"only this person's: {PERSON}")
        listed.add_argument("--limit", type=at_least_one, default=50, help="how many at most (50)")
        end = self.sub("end", self.end, "End one session, all of a person, or everybody's.")
        which = end.add_mutually_exclusive_group(required=True)
        which.add_argument("session", nargs="?", help=SESSION)
        which.add_argument("--person", help=f"all sessions of a person: {PERSON}")
        which.add_argument("--all", action="store_true", help="all sessions of everybody, administrators included")

    def list(self, options: dict[str, Any]) -> None:
        """List sessions."""
        person = find_person(options["person"]) if options["person"] else None
        rows = [session_row(session) for session in find_sessions(person=person)[: options["limit"]]]
        columns = ("session", "person", "portal", "client_ip", "signed_in_at", "last_seen_at")
        self.print_table(rows, columns=columns, empty="Nobody is signed in.")

    def end(self, options: dict[str, Any]) -> None:
        """End sessions, and print how many there were."""
        if options["all"]:
            ended = end_all_sessions(actor=self.actor)
        elif options["person"]:
            ended = end_sessions_of(actor=self.actor, person=find_person(options["person"]))
        else:
            end_session(actor=self.actor, key=options["session"])
            ended = 1
        self.print_record({"sessions_ended": ended})
