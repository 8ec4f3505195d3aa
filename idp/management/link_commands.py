"""The subcommands of `manage.py idp` about links of people to their accounts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser

from idp import link_queries, links, pending_links, pre_linking, relinking
from idp.impact import ProviderImpact
from idp.link_errors import LinkFileRefused, LinkFileUnreadable
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pending_reasons import explain
from idp.queries import find_provider
from idp.relink_impact import forget_impact
from users.errors import InputNotText
from users.management.base import PERSON, DirectoryCommand, at_least_one, refuse_wrong_encoding
from users.services import find_person

FROM = "a file of lines, or - for standard input"


def link_row(link: FederatedIdentity) -> dict[str, Any]:
    """Return what is printed of a link."""
    return {
        "id": str(link.pk),
        "person": link.person.company_email,
        "user_name": link.person.user_name,
        "person_id": str(link.person_id),
        "issuer": link.issuer,
        "subject": link.subject,
        "account_email": link.email,
        "account_name": link.display_name,
        "rule": link.rule,
        "created_at": link.created_at.isoformat(timespec="seconds"),
        "last_sign_in_at": link.last_sign_in_at.isoformat(timespec="seconds") if link.last_sign_in_at else None,
    }


def pending_row(pending: PendingLink) -> dict[str, Any]:
    """Return what is printed of an account that waits."""
    reason = explain(pending.reason, pending.facts)
    return {
        "id": str(pending.pk),
        "email": pending.email,
        "name": pending.display_name,
        "subject": pending.subject,
        "code": pending.reason,
        "reason": reason.happened,
        "cure": reason.cure,
        "attempts": pending.attempts,
        "first_seen_at": pending.first_seen_at.isoformat(timespec="seconds"),
        "last_seen_at": pending.last_seen_at.isoformat(timespec="seconds"),
        "dismissed_at": pending.dismissed_at.isoformat(timespec="seconds") if pending.dismissed_at else None,
    }


class LinkCommands(DirectoryCommand):
    """List, make, end and renew links; list, resolve and dismiss the accounts that wait for one."""

    def add_link_subcommands(self) -> None:
        """Register the subcommands."""
        listing = self._about("links", self.links, "List the links of people to their accounts at a provider.")
        listing.add_argument("--search", default="", help="the beginning of an email, user name or object ID")
        listing.add_argument("--sort", choices=list(link_queries.SORTS), default="recent", help="recent unless given")
        _takes_limit(listing)
        pending = self._about("pending", self.pending, "List the accounts that came and were not matched.")
        pending.add_argument("--dismissed", action="store_true", help="those that were dismissed instead")
        _takes_limit(pending)
        self._add_link_and_unlink()
        for name, run, text in (
            (
                "dismiss",
                self.dismiss,
                "Take an account off the list. It stays off when it comes again.",
            ),
            ("restore", self.restore, "Put a dismissed account back on the list."),
        ):
            self._about(name, run, text).add_argument("pending", metavar="ID", help="as `idp pending` shows it")
        pre_link = self._about("pre-link", self.pre_link, "Link many people by object ID: company_email,object_id.")
        pre_link.add_argument("--from", dest="source", required=True, metavar="FILE", help=FROM)
        pre_link.add_argument("--dry-run", action="store_true", help="check every line and change nothing")
        self._add_relink()

    def _about(self, name: str, run: Any, text: str) -> CommandParser:
        parser = self.sub(name, run, text)
        parser.add_argument("provider", help="slug, name or id")
        return parser

    def _add_link_and_unlink(self) -> None:
        link = self._about("link", self.link, "Link a person to an account, before or after it came.")
        link.add_argument("person", help=PERSON)
        account = link.add_mutually_exclusive_group(required=True)
        account.add_argument("--object-id", "--subject", dest="object_id", help="the account's object ID, or its sub")
        account.add_argument("--pending", metavar="ID", help="an account that waits, as `idp pending` shows it")
        unlink = self._about("unlink", self.unlink, "Remove a person's link and end the sessions that rest on it.")
        unlink.add_argument("person", help=PERSON)

    def _add_relink(self) -> None:
        relink = self._about(
            "relink",
            self.relink,
            "Forget the links to a former issuer, so that people are linked anew at their next sign-in; "
            "or map them to new accounts.",
        )
        relink.add_argument("--all", action="store_true", dest="every", help="forget the present issuer's links too")
        map_help = f"old_object_id,new_object_id or company_email,new_object_id: {FROM}"
        relink.add_argument("--map", dest="source", metavar="FILE", help=map_help)
        relink.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")
        relink.add_argument(
            "--i-understand-the-impacts", action="store_true", dest="understood", help="confirm the impact"
        )

    def links(self, options: dict[str, Any]) -> None:
        """List links."""
        provider = find_provider(options["provider"])
        given = {name: options[name] for name in ("search", "sort", "limit")}
        rows = [link_row(link) for link in link_queries.links_of(provider, **given).rows]
        columns = ("person", "account_email", "subject", "rule", "created_at", "last_sign_in_at")
        self.print_table(rows, columns=columns, empty="No links fit.")

    def pending(self, options: dict[str, Any]) -> None:
        """List pending links."""
        provider = find_provider(options["provider"])
        page, _ = link_queries.pending_page(provider, dismissed=options["dismissed"], limit=options["limit"])
        columns = ("id", "email", "name", "reason", "cure", "attempts", "last_seen_at")
        self.print_table([pending_row(row) for row in page], columns=columns, empty="Nobody waits for a link.")

    def link(self, options: dict[str, Any]) -> None:
        """Link a person to an account."""
        provider, person = find_provider(options["provider"]), find_person(options["person"])
        if options["pending"]:
            pending = pending_links.find_pending(provider, options["pending"])
            link = links.link_pending(actor=self.actor, provider=provider, pending=pending, person=person)
        else:
            link = links.pre_link_person(
                actor=self.actor, provider=provider, person=person, object_id=options["object_id"]
            )
        self.print_record(link_row(link))

    def unlink(self, options: dict[str, Any]) -> None:
        """Unlink a person."""
        provider, person = find_provider(options["provider"]), find_person(options["person"])
        link = links.link_of(provider, person)
        ended = links.unlink_person(actor=self.actor, provider=provider, link=link)
        self.print_record({**link_row(link), "sessions_ended": ended})

    def dismiss(self, options: dict[str, Any]) -> None:
        """Dismiss a pending link."""
        provider, pending = self._pending(options)
        self.print_record(
            pending_row(pending_links.dismiss_pending(actor=self.actor, provider=provider, pending=pending))
        )

    def restore(self, options: dict[str, Any]) -> None:
        """Restore a dismissed pending link."""
        provider, pending = self._pending(options)
        self.print_record(
            pending_row(pending_links.restore_pending(actor=self.actor, provider=provider, pending=pending))
        )

    def _pending(self, options: dict[str, Any]) -> tuple[IdentityProvider, PendingLink]:
        provider = find_provider(options["provider"])
        return provider, pending_links.find_pending(provider, options["pending"])

    def pre_link(self, options: dict[str, Any]) -> None:
        """Link many people by object ID."""
        provider = find_provider(options["provider"])
        with self._problems_listed():
            done = pre_linking.pre_link_people(
                actor=self.actor, provider=provider, lines=read_lines(options["source"]), dry_run=options["dry_run"]
            )
        self.print_record({"linked": done.linked, "unchanged": done.unchanged, "dry_run": done.dry_run})

    def relink(self, options: dict[str, Any]) -> None:
        """Forget or map links."""
        provider, understood = find_provider(options["provider"]), options["understood"]
        if options["source"]:
            with self._problems_listed():
                impact = relinking.map_links(
                    actor=self.actor,
                    provider=provider,
                    lines=read_lines(options["source"]),
                    understood=understood,
                    dry_run=options["dry_run"],
                )
        elif options["dry_run"]:
            impact = forget_impact(provider, every=options["every"])
        else:
            if not understood and not self.as_json:
                self._print_relink_impact(forget_impact(provider, every=options["every"]))
            impact = relinking.forget_links(
                actor=self.actor, provider=provider, every=options["every"], understood=understood
            )
        self._print_relink_impact(impact)

    def _print_relink_impact(self, impact: ProviderImpact) -> None:
        if self.as_json:
            lines = [{"key": line.key, "count": line.count, "examples": line.examples} for line in impact.lines]
            self.print_json({"act": impact.act, "lines": lines, "resources": impact.resources})
            return
        for line in impact.lines:
            names = f" ({', '.join(line.examples)}{', …' if line.more > 0 else ''})" if line.examples else ""
            self.stdout.write(f"{line.count:>8}  {line.text}{names}")

    @contextmanager
    def _problems_listed(self) -> Iterator[None]:
        """Print what is wrong line by line before the refusal ends the command."""
        try:
            yield
        except LinkFileRefused as error:
            if self.as_json:
                self.print_json({"problems": [{"line": each.line, "text": each.text} for each in error.problems]})
            else:
                for each in error.problems:
                    self.stderr.write(str(each))
            raise


def read_lines(source: str) -> str:
    """Return the text of a file, or of standard input for "-".

    Raises:
        LinkFileUnreadable, InputNotText: it cannot be opened, or is no text.
    """
    name = "Standard input" if source == "-" else f"The file {source}"
    try:
        if source != "-":
            with open(source, encoding="utf-8-sig", newline="") as file:
                return file.read()
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise InputNotText(name=name) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no path"
        raise LinkFileUnreadable(name=ascii(source[:200]).strip("'"), reason=reason) from error
    refuse_wrong_encoding(text, name=name)
    return text


def _takes_limit(parser: CommandParser) -> None:
    parser.add_argument("--limit", type=at_least_one, default=1000, help="at most this many (1000 unless given)")
