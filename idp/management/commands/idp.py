"""`manage.py idp`: identity providers, from a shell. `idp deactivate` is the way back in at 3 a.m."""

from typing import Any

from django.core.management.base import CommandParser

from idp import activation, credentials, queries, services
from idp.errors import ImpactNotConfirmed
from idp.impact import Act, ProviderImpact, impact_of
from idp.management.claim_commands import ClaimCommands
from idp.management.credential_commands import CredentialCommands, credential_row
from idp.management.guard_commands import GuardCommands, guard_of, takes_guard
from idp.management.impact_commands import ImpactCommands
from idp.management.link_commands import LinkCommands
from idp.management.routing_commands import RoutingCommands
from idp.management.scope_arguments import scope_of, takes_scope
from idp.models import FederatedIdentity, IdentityProvider, Kind
from idp.recheck import MINUTES
from users.impact import Line
from users.management.base import FROM_STDIN, day, read_secret

RECHECK_HELP = f"check sessions by refresh token every so many minutes: {', '.join(map(str, MINUTES[1:]))}; 0 for never"


def provider_row(provider: IdentityProvider) -> dict[str, Any]:
    """Return what is printed of a provider: everything but the secret."""
    return {
        "id": str(provider.pk),
        "slug": provider.slug,
        "kind": provider.kind,
        "name": provider.name,
        "status": provider.status,
        "url": provider.url,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_secret_set_at": provider.client_secret_set_at,
        "client_secret_expires_on": provider.client_secret_expires_on,
        "redirect_uri": provider.redirect_uri,
        "email_domains": provider.email_domains,
        "allow_guests": provider.allow_guests,
        "recheck_minutes": provider.recheck_minutes,
        "links": FederatedIdentity.objects.filter(provider=provider).count(),
        "last_test_at": provider.last_test_at,
    }


class Command(LinkCommands, CredentialCommands, RoutingCommands, GuardCommands, ImpactCommands, ClaimCommands):
    """Add, list, show, test, activate, deactivate and delete identity providers, and replace client secrets."""

    help = "Manage identity providers."

    def add_subcommands(self) -> None:
        """Register the subcommands."""
        self._add_arguments_of_add(self.sub("add", self.add, "Add an identity provider as a draft."))
        self.sub("list", self.list, "List identity providers.")
        _takes_provider(self.sub("show", self.show, "Show an identity provider."))
        _takes_provider(self.sub("test", self.test, "Test the connection, step by step."))
        activate = _takes_provider(
            self.sub("activate", self.activate, "Send people to this provider: all, unless told.")
        )
        _takes_confirmation(activate)
        takes_scope(activate)
        takes_guard(activate)
        activate.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")
        deactivate = _takes_provider(self.sub("deactivate", self.deactivate, "Send nobody there. Needs no network."))
        deactivate.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")
        archive = _takes_provider(self.sub("archive", self.archive, "Put a provider away with its links."))
        archive.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")
        _takes_provider(self.sub("unarchive", self.unarchive, "Bring an archived provider back, not active."))
        set_secret = _takes_provider(self.sub("set-secret", self.set_secret, "Replace the client secret."))
        set_secret.add_argument("--client-secret-stdin", action="store_true", help=FROM_STDIN)
        _takes_expiry(set_secret)
        self.add_credential_subcommands()
        self.add_link_subcommands()
        self.add_routing_subcommands()
        self.add_guard_subcommands()
        self.add_impact_subcommands()
        self.add_claim_subcommands()
        set_recheck = _takes_provider(self.sub("set-recheck", self.set_recheck, "Say how often sessions are checked."))
        set_recheck.add_argument("minutes", type=int, help=RECHECK_HELP)
        delete = _takes_provider(self.sub("delete", self.delete, "Delete an identity provider with its links."))
        delete.add_argument("--confirm-name", default="", metavar="NAME", help="the name, typed once more")
        delete.add_argument("--dry-run", action="store_true", help="print the impact and change nothing")

    def _add_arguments_of_add(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=Kind.values, default=Kind.ENTRA.value, help="entra unless given")
        parser.add_argument("--name", required=True, help="what people will read")
        parser.add_argument("--url", default="", help="Entra IdP URL, Okta domain, or issuer")
        parser.add_argument("--client-id", required=True, help="the application's ID at the provider")
        parser.add_argument("--client-secret-stdin", action="store_true", required=True, help=FROM_STDIN)
        _takes_expiry(parser)
        parser.add_argument(
            "--email-domain",
            action="append",
            default=[],
            help="match people by emails of this domain only; may be given several times",
        )
        parser.add_argument("--allow-guests", action="store_true", help="let guests of the tenant in")
        parser.add_argument("--recheck-minutes", type=int, default=0, metavar="MINUTES", help=RECHECK_HELP)
        parser.add_argument("--activate", action="store_true", help="activate it at once")
        _takes_confirmation(parser)

    def add(self, options: dict[str, Any]) -> None:
        """Add a provider, and activate it if that was asked for and confirmed."""
        if options["activate"] and not options["understood"]:
            raise ImpactNotConfirmed()
        given = services.ProviderInput(
            name=options["name"],
            url=options["url"],
            client_id=options["client_id"],
            client_secret=read_secret("Client secret"),
            client_secret_expires_on=options["expires_on"],
            email_domains=options["email_domain"],
            allow_guests=options["allow_guests"],
            recheck_minutes=options["recheck_minutes"],
        )
        provider = services.add_provider(actor=self.actor, kind=options["kind"], given=given)
        if options["activate"]:
            self._activate(provider, options)
        self.print_record(provider_row(queries.find_provider(str(provider.pk))))

    def list(self, options: dict[str, Any]) -> None:
        """List providers."""
        rows = [provider_row(provider) for provider in IdentityProvider.objects.all()]
        columns = ("slug", "name", "kind", "status", "links", "client_secret_expires_on")
        self.print_table(rows, columns=columns, empty="There are no identity providers yet.")

    def show(self, options: dict[str, Any]) -> None:
        """Show a provider."""
        provider = queries.find_provider(options["provider"])
        self.print_record({**provider_row(provider), **credential_row(provider)})

    def test(self, options: dict[str, Any]) -> None:
        """Test a provider; a failed step is the exit status."""
        provider = queries.find_provider(options["provider"])
        steps = services.test_provider(actor=self.actor, provider=provider)
        rows = [step.as_dict() for step in steps]
        if not self.as_json:
            for row in rows:
                row["quote"] = "; ".join(f"{name}: {value}" for name, value in row["facts"].items())
        columns = ("name", "outcome", "milliseconds", "detail", "hint", "code", "quote")
        self.print_table(rows, columns=columns, empty="")
        if any(step.outcome == "failed" for step in steps):
            raise SystemExit(5)

    def activate(self, options: dict[str, Any]) -> None:
        """Activate a provider."""
        provider = queries.find_provider(options["provider"])
        if options["dry_run"]:
            self.print_impact(impact_of(Act.ACTIVATE, provider, scope=scope_of(options)))
            return
        if not options["understood"] and not self.as_json:
            self.print_impact(impact_of(Act.ACTIVATE, provider, scope=scope_of(options)))
        self._activate(provider, options)
        self.print_record(provider_row(queries.find_provider(str(provider.pk))))

    def _activate(self, provider: IdentityProvider, options: dict[str, Any]) -> None:
        activation.activate_provider(
            actor=self.actor,
            provider=provider,
            understood=options["understood"],
            fingerprint=None,
            without_rehearsal=options["without_rehearsal"],
            scope=scope_of(options),
            guard=guard_of(options),
        )

    def deactivate(self, options: dict[str, Any]) -> None:
        """Deactivate a provider."""
        provider = queries.find_provider(options["provider"])
        if options["dry_run"]:
            self.print_impact(impact_of(Act.DEACTIVATE, provider))
            return
        locked_out = [line for line in impact_of(Act.DEACTIVATE, provider).lines if line.key == "locked_out"]
        activation.deactivate_provider(actor=self.actor, provider=provider)
        for line in locked_out:
            if line.count:
                self.stderr.write(_in_words(line))
        self.print_record(provider_row(queries.find_provider(str(provider.pk))))

    def archive(self, options: dict[str, Any]) -> None:
        """Archive a provider."""
        provider = queries.find_provider(options["provider"])
        if options["dry_run"]:
            self.print_impact(impact_of(Act.ARCHIVE, provider))
            return
        activation.archive_provider(actor=self.actor, provider=provider)
        self.print_record(provider_row(queries.find_provider(str(provider.pk))))

    def unarchive(self, options: dict[str, Any]) -> None:
        """Restore an archived provider."""
        provider = queries.find_provider(options["provider"])
        self.print_record(provider_row(activation.restore_provider(actor=self.actor, provider=provider)))

    def set_secret(self, options: dict[str, Any]) -> None:
        """Replace the client secret."""
        provider = queries.find_provider(options["provider"])
        changed = credentials.set_client_secret(
            actor=self.actor,
            provider=provider,
            client_secret=read_secret("Client secret"),
            expires_on=options["expires_on"],
        )
        self.print_record(provider_row(changed))

    def set_recheck(self, options: dict[str, Any]) -> None:
        """Say how often sessions are checked again."""
        provider = queries.find_provider(options["provider"])
        changed = services.set_recheck(actor=self.actor, provider=provider, minutes=options["minutes"])
        self.print_record(provider_row(changed))

    def delete(self, options: dict[str, Any]) -> None:
        """Delete a provider."""
        provider = queries.find_provider(options["provider"])
        if options["dry_run"]:
            self.print_impact(impact_of(Act.DELETE, provider))
            return
        row = provider_row(provider)
        services.delete_provider(actor=self.actor, provider=provider, confirm_name=options["confirm_name"])
        self.print_record({**row, "status": "deleted"})

    def print_impact(self, impact: ProviderImpact) -> None:
        if self.as_json:
            lines = [{"key": line.key, "count": line.count, "examples": line.examples} for line in impact.lines]
            self.print_json({"act": impact.act, "lines": lines, "resources": impact.resources})
            return
        self.stdout.write(f"Impact of {impact.act} on {', '.join(impact.resources)}:")
        for line in impact.lines:
            self.stdout.write(_in_words(line, width=8))


def _in_words(line: Line, width: int = 0) -> str:
    names = f" ({', '.join(line.examples)}{', …' if line.more > 0 else ''})" if line.examples else ""
    return f"{line.count:>{width}}  {line.text}{names}" if width else f"{line.count} {line.text}{names}"


def _takes_provider(parser: CommandParser) -> CommandParser:
    parser.add_argument("provider", help="slug, name or id")
    return parser


def _takes_confirmation(parser: CommandParser) -> None:
    parser.add_argument("--i-understand-the-impacts", action="store_true", dest="understood", help="confirm the impact")
    text = "note in the audit log that no sign-in was rehearsed; a shell needs no confirmation of it"
    parser.add_argument("--without-rehearsal", action="store_true", help=text)


def _takes_expiry(parser: CommandParser) -> None:
    text = "the day on which the client secret runs out"
    parser.add_argument("--expires-on", type=day, metavar="YYYY-MM-DD", help=text)
