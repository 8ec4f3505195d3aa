"""The subcommands of `manage.py idp` about claims: what keeps fields and memberships, and whom a provider adds."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from idp import claim_queries, claim_rules
from idp.claim_errors import ClaimRuleNotFound
from idp.claim_plan import GroupRule
from idp.claim_rules import JitInput, clean_claim, clean_value
from idp.claim_words import field_lines, group_lines
from idp.models import ClaimGroup, IdentityProvider, PersonField
from idp.models.providers import JIT_STATES
from idp.queries import find_provider
from users.group_list import find_group
from users.management.base import DirectoryCommand
from users.models import Group

DRY_RUN = "print what it would do with the claims of the last rehearsal, and change nothing"


def claims_row(provider: IdentityProvider) -> dict[str, Any]:
    """Return a provider's rules for claims, and whom it adds."""
    overage = claim_queries.recent_overage(provider)
    return {
        "provider": provider.slug,
        "fields": {field.value: claim for field, claim in claim_queries.mappings_of(provider) if claim},
        "groups": [_rule_row(rule) for rule in claim_queries.group_rules_of(provider)],
        "left_out": {each.claim: each.last_at.isoformat(timespec="seconds") for each in overage},
        "jit_enabled": provider.jit_enabled,
        "jit_domains": provider.jit_domains,
        "jit_state": provider.jit_state,
        "jit_groups": [group.name for group in claim_queries.jit_groups_of(provider)],
    }


class ClaimCommands(DirectoryCommand):
    """List and change what claims keep, and say whether people are added at their first sign-in."""

    def add_claim_subcommands(self) -> None:
        """Register the subcommands."""
        _takes_provider(self.sub("claims", self.claims, "Show which claims keep fields and memberships."))
        mapped = _takes_provider(self.sub("map-claim", self.map_claim, "Let a claim keep a field of people."))
        mapped.add_argument("claim", help="the name of the claim, such as department")
        mapped.add_argument("field", choices=PersonField.values, help="the field that it keeps")
        unmapped = _takes_provider(self.sub("unmap-claim", self.unmap_claim, "Let no claim keep a field any more."))
        unmapped.add_argument("field", choices=PersonField.values, help="the field")
        group = _takes_rule(self.sub("map-group", self.map_group, "Put bearers of a claim's value into a group."))
        group.add_argument("--dry-run", action="store_true", help=DRY_RUN)
        _takes_rule(self.sub("unmap-group", self.unmap_group, "Remove such a rule. Members stay."))
        self._add_set_jit()

    def _add_set_jit(self) -> None:
        jit = _takes_provider(self.sub("set-jit", self.set_jit, "Say whether people are added at their first sign-in."))
        switch = jit.add_mutually_exclusive_group(required=True)
        switch.add_argument("--enable", action="store_true", help="add them, as the other options say")
        switch.add_argument("--disable", action="store_true", help="add nobody; what was set is kept for another time")
        repeated = "may be given several times"
        jit.add_argument("--domain", action="append", default=[], help=f"only with emails of this domain; {repeated}")
        jit.add_argument(
            "--state", choices=[state.value for state in JIT_STATES], default="staged", help="the state to begin with"
        )
        jit.add_argument("--group", action="append", default=[], help=f"a group that they join; {repeated}")

    def claims(self, options: dict[str, Any]) -> None:
        """Show the rules."""
        self._print_claims(find_provider(options["provider"]))

    def map_claim(self, options: dict[str, Any]) -> None:
        """Map a claim to a field."""
        provider = find_provider(options["provider"])
        given = {"field": options["field"], "claim": options["claim"]}
        claim_rules.map_claim(actor=self.actor, provider=provider, **given)
        self._print_claims(provider)

    def unmap_claim(self, options: dict[str, Any]) -> None:
        """Map no claim to a field any more."""
        provider = find_provider(options["provider"])
        claim_rules.unmap_claim(actor=self.actor, provider=provider, field=options["field"])
        self._print_claims(provider)

    def map_group(self, options: dict[str, Any]) -> None:
        """Add a rule for a group, or try it out."""
        provider, group = find_provider(options["provider"]), find_group(options["group"])
        given = {"claim": options["claim"], "value": options["value"]}
        if options["dry_run"]:
            self._print_preview(provider, given["claim"], given["value"], group)
            return
        claim_rules.add_claim_group(actor=self.actor, provider=provider, **given, group=group)
        self._print_claims(provider)

    def unmap_group(self, options: dict[str, Any]) -> None:
        """Remove a rule for a group."""
        provider, group = find_provider(options["provider"]), find_group(options["group"])
        named = ClaimGroup.objects.filter(provider=provider, claim=options["claim"], value=options["value"])
        rule = named.filter(group=group).first()
        if rule is None:
            raise ClaimRuleNotFound(provider=provider.name)
        claim_rules.remove_claim_group(actor=self.actor, provider=provider, rule_id=rule.pk)
        self._print_claims(provider)

    def set_jit(self, options: dict[str, Any]) -> None:
        """Say whether, and how, people are added."""
        provider = find_provider(options["provider"])
        groups = [find_group(name) for name in options["group"]]
        given = JitInput(True, options["domain"], options["state"], groups)
        if options["disable"]:
            kept = claim_queries.jit_groups_of(provider)
            given = JitInput(False, provider.jit_domains, provider.jit_state, kept)
        self._print_claims(claim_rules.set_jit(actor=self.actor, provider=provider, given=given))

    def _print_claims(self, provider: IdentityProvider) -> None:
        row = claims_row(provider)
        if not self.as_json:
            row["fields"] = [f"{claim} keeps {field}" for field, claim in row["fields"].items()]
            row["groups"] = [f"{rule['claim']} {rule['value']} gives {rule['group']}" for rule in row["groups"]]
            row["left_out"] = [f"{claim} ({at})" for claim, at in row["left_out"].items()]
        self.print_record(row)

    def _print_preview(self, provider: IdentityProvider, claim: str, value: str, group: Group) -> None:
        rule = GroupRule(clean_claim(claim), clean_value(value), group.pk)
        seen = claim_queries.preview(provider, rule)
        lines = [*field_lines(seen.changes["fields"]), *group_lines(seen.changes["groups"])] if seen else []
        rows = [
            {
                "person": seen.person.company_email if seen and seen.person else None,
                "subject": line.subject,
                "claims": line.claims,
                "changes": line.changes,
                "then": line.then if line.changes else "",
                "words": line.words,
            }
            for line in lines
        ]
        columns = ("subject", "claims", "changes", "then", "words")
        self.print_table(rows, columns=columns, empty="No rehearsal of this provider has brought claims yet.")


def _rule_row(rule: ClaimGroup) -> dict[str, Any]:
    return {"claim": rule.claim, "value": rule.value, "group": rule.group.name}


def _takes_provider(parser: CommandParser) -> CommandParser:
    parser.add_argument("provider", help="slug, name or id of the provider")
    return parser


def _takes_rule(parser: CommandParser) -> CommandParser:
    names: Sequence[tuple[str, str]] = (
        ("claim", "the name of the claim, such as roles"),
        ("value", "the value, such as the name of an app role or the object ID of a group"),
        ("group", "name or id of the group here"),
    )
    _takes_provider(parser)
    for name, text in names:
        parser.add_argument(name, help=text)
    return parser
