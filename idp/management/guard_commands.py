"""The subcommands of `manage.py idp` about guards: what is on trial, confirming it, and taking it back."""

from typing import Any

from django.core.management.base import CommandParser

from idp import guards
from idp.guard_queries import Watched, last_return, watched
from idp.guard_returns import call_back, settle_guards
from idp.guards import GuardTerms
from idp.models import IdentityProvider
from idp.queries import find_provider
from users.management.base import DirectoryCommand

DEFAULT = GuardTerms()


class GuardCommands(DirectoryCommand):
    """Say what is on trial, confirm it, and take it back."""

    def add_guard_subcommands(self) -> None:
        """Register the subcommands."""
        self.sub("guards", self.guards, "List what is on trial, and what went back by itself.")
        confirm = self.sub("confirm", self.confirm, "Confirm what is on trial at a provider: it stays.")
        confirm.add_argument("provider", help="slug, name or id of the provider")
        back = self.sub("take-back", self.take_back, "Take back what is on trial at a provider.")
        back.add_argument("provider", help="slug, name or id of the provider")

    def guards(self, options: dict[str, Any]) -> None:
        """List the guards."""
        settle_guards()
        rows = []
        for provider in IdentityProvider.objects.order_by("name"):
            gone = last_return(provider)
            rows += [guard_row(each) for each in [*watched(provider), *([gone] if gone else [])]]
        columns = ("provider", "policy", "outcome", "until", "succeeded", "failed")
        self.print_table(rows, columns=columns, empty="Nothing is on trial, and nothing went back by itself.")

    def confirm(self, options: dict[str, Any]) -> None:
        """Confirm."""
        settle_guards()
        provider = find_provider(options["provider"])
        count = guards.confirm_guards(actor=self.actor, provider=provider)
        self.print_record({"provider": provider.slug, "confirmed": count})

    def take_back(self, options: dict[str, Any]) -> None:
        """Take back."""
        settle_guards()
        provider = find_provider(options["provider"])
        count = call_back(actor=self.actor, provider=provider)
        self.print_record({"provider": provider.slug, "taken_back": count})


def guard_row(each: Watched) -> dict[str, Any]:
    """Return what is printed of a guard."""
    guard = each.guard
    return {
        "provider": guard.provider.slug,
        "policy": guard.policy.name if guard.policy else None,
        "outcome": guard.outcome,
        "started_at": guard.started_at,
        "until": guard.until,
        "ended_at": guard.ended_at,
        "failure_percent": guard.failure_percent,
        "succeeded": each.succeeded,
        "failed": each.failed,
        "causes": [f"{count} x {words}" for words, count in each.causes],
    }


def takes_guard(parser: CommandParser) -> None:
    """Let a subcommand that enables something take the terms of a guard."""
    parser.add_argument(
        "--guard",
        type=int,
        nargs="?",
        const=DEFAULT.minutes,
        metavar="MINUTES",
        help=f"go back unless `idp confirm` follows within so many minutes; {DEFAULT.minutes} unless given",
    )
    parser.add_argument(
        "--failure-percent",
        type=int,
        default=DEFAULT.failure_percent,
        metavar="PERCENT",
        help=f"with --guard: go back once more sign-ins fail than this; {DEFAULT.failure_percent} unless given",
    )


def guard_of(options: dict[str, Any]) -> GuardTerms | None:
    """Return the terms that were given, or None where none were."""
    minutes = options.get("guard")
    return None if minutes is None else GuardTerms(minutes, options["failure_percent"])
