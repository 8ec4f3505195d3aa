"""`manage.py idp impact`: whom an act on a provider would concern, by name."""

from collections.abc import Iterator
from typing import Any

from idp.activation_scope import EVERYBODY, Scope
from idp.impact import Act, ProviderImpact, impact_of
from idp.impact_people import BATCH, COLUMNS, Verdict, cells_of, page_of
from idp.management.scope_arguments import scope_of, takes_scope
from idp.models import IdentityProvider
from idp.queries import find_provider
from users.management.base import DirectoryCommand


class ImpactCommands(DirectoryCommand):
    """Say by name whom an act would concern."""

    def add_impact_subcommands(self) -> None:
        """Register the subcommand."""
        impact = self.sub("impact", self.impact, "List whom an act would concern, and how each is matched or why not.")
        impact.add_argument("provider", help="slug, name or id of the provider")
        acts = [act.value for act in Act]
        impact.add_argument("--act", choices=acts, default=Act.ACTIVATE.value, help="activate unless given")
        verdicts = [verdict.value for verdict in Verdict]
        impact.add_argument("--who", choices=verdicts, help="only those for whom it means this")
        takes_scope(impact)

    def impact(self, options: dict[str, Any]) -> None:
        """List the people."""
        provider, act = find_provider(options["provider"]), Act(options["act"])
        scope: Scope = scope_of(options) if act == Act.ACTIVATE else EVERYBODY
        impact = impact_of(act, provider, scope=scope)
        verdict = Verdict(options["who"]) if options["who"] else None
        rows = _rows(impact, provider, verdict)
        self.print_table(rows, columns=COLUMNS, empty="Nobody is concerned.")


def _rows(impact: ProviderImpact, provider: IdentityProvider, verdict: Verdict | None) -> Iterator[dict[str, str]]:
    after, more = "", True
    while more:
        page = page_of(impact, provider, verdict=verdict, after=after, limit=BATCH)
        for row in page.rows:
            yield dict(zip(COLUMNS, cells_of(row), strict=True))
        after, more = page.next, bool(page.next)
