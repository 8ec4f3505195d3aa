"""Just-in-time creation: people whom a provider vouches for and nobody here is, added at their first sign-in.

Off unless a provider's switch says so, and then for the email domains that it names. It comes after the whole ladder of
`idp.federation`, and only where that ended with nobody at all having the email: never for guests, nor where the email
is not vouched for, or somebody has it.
"""

import contextlib
import uuid
from dataclasses import dataclass

from django.db import transaction

from idp import federation, known_links
from idp.claim_plan import ClaimPlan, Outcome, plan_claims
from idp.claim_sign_in import stored_rules, write_plan
from idp.federation import Match
from idp.federation_errors import NewcomerRoutedElsewhere, NoMatch, PersonAwaitsActivation
from idp.models import IdentityProvider, JitGroup
from idp.protocol.types import IdTokenClaims
from idp.routing import stranger_route
from users import provided
from users.audit import Actor
from users.email_domain import domain_of
from users.errors import CompanyEmailTaken, DirectoryError, ExternalIdTaken
from users.models import Group, State, User
from users.names import NAME_MAX_LENGTH

CREATED = "created"


@dataclass(frozen=True)
class Newcomer:
    """Somebody who would be added.

    Attributes:
        person: as she would be, not stored.
        groups: what she joins besides the memberships that the plan makes.
    """

    person: User
    plan: ClaimPlan
    groups: tuple[Group, ...]


def match_or_add(*, actor: Actor, provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    """Return the person behind a verified token, who is added where nobody is and the provider adds people.

    Raises:
        NoMatch and its subclasses, ProviderUnavailable, ProviderChanged, RoutedElsewhere: see `match_person`.
        PersonAwaitsActivation: the person was added just now, and is staged.
        NewcomerRoutedElsewhere: she would be added, but her routing policy would not send her here.
    """
    try:
        return federation.match_person(provider=provider, claims=claims)
    except NoMatch as error:
        if newcomer_of(provider, claims, error) is None:
            raise
    # Somebody else may add the same person in this moment: then she is matched like anybody.
    with contextlib.suppress(CompanyEmailTaken, ExternalIdTaken):
        match = _add(actor, provider, claims)
        if match.rule == CREATED and match.person.state == State.STAGED:
            raise PersonAwaitsActivation(person=match.person.company_email)
        return match
    return federation.match_person(provider=provider, claims=claims)


def newcomer_of(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> Newcomer | None:
    """Return whom a refusal of the ladder would add, or None where it adds nobody. Writes nothing.

    Raises:
        NewcomerRoutedElsewhere: her routing policy would not send her here.
    """
    # Exactly this one: what derives from it knows somebody, or does not trust the email.
    if not provider.jit_enabled or type(error) is not NoMatch:
        return None
    email = _email(provider, claims, error)
    if not email:
        return None
    person = _person(provider, claims, email)
    plan = plan_claims(stored_rules(provider), claims.raw, person, {})
    for field, value in plan.wanted.items():
        setattr(person, field, value)
    given = {move.group_id for move in plan.moves}
    named = JitGroup.objects.filter(provider=provider).select_related("group").order_by("group__name_key")
    groups = tuple(each.group for each in named if each.group_id not in given)
    _require_route(provider, email, {*given, *(group.pk for group in groups)}, error)
    return Newcomer(person, plan, groups)


def _add(actor: Actor, provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    """Add the person with her link, or return whom a faster sign-in of the same account added."""
    with transaction.atomic():
        # First sign-ins that find nobody come one after the other, and each looks again.
        list(IdentityProvider.objects.select_for_update(no_key=True).filter(pk=provider.pk).values_list("pk"))
        try:
            return federation.match_person(provider=provider, claims=claims)
        except NoMatch as error:
            newcomer = newcomer_of(provider, claims, error)
            if newcomer is None:
                raise
        person = _store(actor, provider, claims, newcomer)
        federation.keep_link(actor=actor, provider=provider, claims=claims, match=Match(person, CREATED))
        return Match(person, CREATED, known_links.find(claims))


def _store(actor: Actor, provider: IdentityProvider, claims: IdTokenClaims, newcomer: Newcomer) -> User:
    wanted = newcomer.person
    person = provided.add_provided_person(
        actor=actor,
        company_email=wanted.company_email,
        fields={field: getattr(wanted, field) for field in provided.FIELDS},
        external_id=claims.object_id,
        state=State(provider.jit_state),
        details={"provider": provider.name},
    )
    acting = actor.as_person(person)
    joined = ClaimPlan(groups=tuple(each for each in newcomer.plan.groups if each.outcome is Outcome.JOINS))
    write_plan(actor=acting, provider=provider, plan=joined, person=person)
    for group in newcomer.groups:
        # As if an administrator had put her there: no claim takes it back.
        provided.join_group(acting, person, group, given_by=None, facts={"provider": provider.name})
    return person


def _email(provider: IdentityProvider, claims: IdTokenClaims, error: NoMatch) -> str:
    """Return the email under which somebody would be added, or "" where none is in the provider's domains."""
    asked = error.context.get("emails", ())  # those that the ladder found plain, vouched for, and nobody's
    given = [text.strip().lower() for text in (claims.email, claims.upn)]
    fitting = [email for email in given if email in asked and domain_of(email) in provider.jit_domains]
    return fitting[0] if fitting else ""


def _person(provider: IdentityProvider, claims: IdTokenClaims, email: str) -> User:
    """Return somebody with the names of the standard claims, which rules may override, not stored."""
    given = {"given_name": claims.given_name, "family_name": claims.family_name, "display_name": claims.name}
    names: dict[str, str] = {}
    for field, text in given.items():
        with contextlib.suppress(DirectoryError):
            names[field] = provided.clean_field(field, text)
    person = User(company_email=email, state=State(provider.jit_state), **names)
    if not person.display_name:
        person.display_name = f"{person.given_name} {person.family_name}".strip()[:NAME_MAX_LENGTH].strip()
    return person


def _require_route(provider: IdentityProvider, email: str, groups: set[uuid.UUID], error: NoMatch) -> None:
    """Refuse whom the policies would send elsewhere, as she would be: she would exist and could not come in.

    A provider that is not active is rehearsed: the policies pass it over until it is.
    """
    route = stranger_route(domain_of(email), groups)
    if provider.is_active and (route is None or route.provider.pk != provider.pk):
        raise NewcomerRoutedElsewhere(**error.context)
