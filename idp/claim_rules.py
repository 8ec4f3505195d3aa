"""What can be done with a provider's rules for claims. Each change moves the provider's revision: sign-ins see it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from idp.claim_errors import (
    ClaimFieldUnknown,
    ClaimNameInvalid,
    ClaimNotMapped,
    ClaimOfProtocol,
    ClaimRuleNotFound,
    ClaimRuleTaken,
    ClaimTooMany,
    ClaimValueInvalid,
    JitDomainOutside,
    JitDomainsMissing,
    JitStateUnknown,
)
from idp.errors import ChangedMeanwhile
from idp.inputs import clean_email_domains
from idp.models import ClaimGroup, ClaimMapping, IdentityProvider, JitGroup, PersonField
from idp.models.providers import JIT_STATES
from idp.protocol.claim_values import MAX_LENGTH, PROTOCOL_CLAIMS, is_claim_name
from idp.saving import locked, save_changed
from users.audit import Actor, audited, record
from users.group_errors import GroupNotFound
from users.models import Group
from users.permissions import Permission
from users.services import require

MOST_RULES = 200
MOST_JIT_GROUPS = 20


@dataclass(frozen=True)
class JitInput:
    """What an administrator says about people whom a first sign-in does not find.

    Attributes:
        enabled: whether they are added. Off, what else is said is kept for another time.
        domains: only with an email of these.
        state: in which state they begin.
        groups: which they join.
    """

    enabled: bool
    domains: Sequence[str] = ()
    state: str = "staged"
    groups: Collection[Group] = ()


def clean_claim(text: str) -> str:
    """Return the name of a claim that may be mapped; raises ClaimNameInvalid, ClaimOfProtocol."""
    claim = text.strip()
    if not is_claim_name(claim):
        raise ClaimNameInvalid()
    if claim.lower() in PROTOCOL_CLAIMS:
        raise ClaimOfProtocol(claim=claim)
    return claim


def clean_value(text: str) -> str:
    """Return the value of a claim as it is compared; raises ClaimValueInvalid."""
    value = text.strip()
    if not 1 <= len(value) <= MAX_LENGTH or not value.isprintable():
        raise ClaimValueInvalid()
    return value


@audited("idp.provider.claim_mapped")
def map_claim(*, actor: Actor, provider: IdentityProvider, field: str, claim: str) -> ClaimMapping:
    """Let a claim keep a field of the people who sign in through a provider, in place of the claim that did.

    Raises:
        ClaimFieldUnknown, ClaimNameInvalid, ClaimOfProtocol: bad input.
        ProviderNotFound, ProviderArchived: the provider is gone or put away.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    _check_field(field)
    claim = clean_claim(claim)
    provider = locked(provider)
    mapping = ClaimMapping.objects.filter(provider=provider, field=field).first()
    before = mapping.claim if mapping else ""
    if mapping is not None and before == claim:
        return mapping
    mapping = mapping or ClaimMapping(provider=provider, field=field)
    mapping.claim = claim
    mapping.save()
    save_changed(provider)
    details = {"field": field, "from": before, "to": claim}
    record("idp.provider.claim_mapped", actor=actor, target=provider, details=details)
    return mapping


@audited("idp.provider.claim_unmapped")
def unmap_claim(*, actor: Actor, provider: IdentityProvider, field: str) -> None:
    """Let no claim keep a field any more. What it holds stays.

    Raises:
        ClaimFieldUnknown, ClaimNotMapped, ProviderNotFound, ProviderArchived.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    _check_field(field)
    provider = locked(provider)
    mapping = ClaimMapping.objects.filter(provider=provider, field=field).first()
    if mapping is None:
        raise ClaimNotMapped(provider=provider.name, field_name=field)
    mapping.delete()
    save_changed(provider)
    details = {"field": field, "claim": mapping.claim}
    record("idp.provider.claim_unmapped", actor=actor, target=provider, details=details)


@audited("idp.provider.claim_group_added")
def add_claim_group(*, actor: Actor, provider: IdentityProvider, claim: str, value: str, group: Group) -> ClaimGroup:
    """Let everybody who signs in with a value in a claim be a member of a group.

    Nobody is moved now: memberships follow at each person's next sign-in.

    Raises:
        ClaimNameInvalid, ClaimOfProtocol, ClaimValueInvalid, ClaimRuleTaken, ClaimTooMany: bad input.
        GroupNotFound: it was deleted meanwhile.
        ProviderNotFound, ProviderArchived: the provider is gone or put away.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    claim, value = clean_claim(claim), clean_value(value)
    provider = locked(provider)
    if ClaimGroup.objects.filter(provider=provider).count() >= MOST_RULES:
        raise ClaimTooMany(most=MOST_RULES, what="rules for groups")
    _keep_groups([group])
    try:
        with transaction.atomic():
            rule = ClaimGroup.objects.create(provider=provider, claim=claim, value=value, group=group)
    except IntegrityError as error:
        raise ClaimRuleTaken(claim=claim, value=value, group=group.name) from error
    save_changed(provider)
    _record_rule("idp.provider.claim_group_added", actor, provider, rule)
    return rule


@audited("idp.provider.claim_group_removed")
def remove_claim_group(*, actor: Actor, provider: IdentityProvider, rule_id: int) -> ClaimGroup:
    """Remove a rule for a group. Members stay; those whom claims gave it follow another rule that names the group.

    Raises:
        ClaimRuleNotFound, ProviderNotFound, ProviderArchived.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    rule = ClaimGroup.objects.select_related("group").filter(provider=provider, pk=rule_id).first()
    if rule is None:
        raise ClaimRuleNotFound(provider=provider.name)
    rule.delete()
    save_changed(provider)
    _record_rule("idp.provider.claim_group_removed", actor, provider, rule)
    return rule


@audited("idp.provider.jit_set")
def set_jit(
    *, actor: Actor, provider: IdentityProvider, given: JitInput, seen_revision: int | None = None
) -> IdentityProvider:
    """Say whether, and how, people are added whom a first sign-in does not find.

    Sign-ins under way start again, because it decides who is let in.

    Args:
        seen_revision: the revision that the form showed; None where the caller showed none.

    Raises:
        EmailDomainInvalid, JitDomainsMissing, JitDomainOutside, JitStateUnknown, ClaimTooMany: bad input.
        ChangedMeanwhile, ProviderNotFound, ProviderArchived: the provider is not what it was.
        GroupNotFound: a group was deleted meanwhile.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = locked(provider)
    if seen_revision not in (None, provider.revision):
        raise ChangedMeanwhile()
    domains = _jit_domains(provider, given)
    if given.state not in JIT_STATES:
        raise JitStateUnknown(state=given.state[:20])
    if len(given.groups) > MOST_JIT_GROUPS:
        raise ClaimTooMany(most=MOST_JIT_GROUPS, what="groups for new people")
    _keep_groups(given.groups)
    provider.jit_enabled, provider.jit_domains, provider.jit_state = given.enabled, domains, given.state
    save_changed(provider)
    JitGroup.objects.filter(provider=provider).delete()
    JitGroup.objects.bulk_create(JitGroup(provider=provider, group=group) for group in given.groups)
    facts = {"enabled": given.enabled, "domains": domains, "state": given.state}
    details = {**facts, "groups": sorted(group.name for group in given.groups)}
    record("idp.provider.jit_set", actor=actor, target=provider, details=details)
    return provider


def _jit_domains(provider: IdentityProvider, given: JitInput) -> list[str]:
    domains = clean_email_domains(list(given.domains))
    if given.enabled and not domains:
        raise JitDomainsMissing()
    for domain in domains:
        if provider.email_domains and domain not in provider.email_domains:
            raise JitDomainOutside(domain=domain)
    return domains


def _check_field(field: str) -> None:
    if field not in PersonField.values:
        raise ClaimFieldUnknown(field_name=field[:40])


def _keep_groups(groups: Collection[Group]) -> None:
    """Let nobody delete these groups until the end of the transaction; from then on the database keeps them."""
    wanted = {group.pk for group in groups}
    found = Group.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    if len(found.values_list("pk", flat=True)) != len(wanted):
        raise GroupNotFound()


def _record_rule(action: str, actor: Actor, provider: IdentityProvider, rule: ClaimGroup) -> None:
    details = {"claim": rule.claim, "value": rule.value, "group": rule.group.name, "group_id": str(rule.group_id)}
    record(action, actor=actor, target=provider, details=details)
