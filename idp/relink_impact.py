"""What forgetting links would change, in numbers and names: whom the first-link ladder finds again, and whom not."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from idp.impact import ProviderImpact
from idp.models import FederatedIdentity, IdentityProvider
from users.email_domain import EmailDomain
from users.impact import EXAMPLES, Line
from users.models import State, User, UserSession
from users.schedules import after_scheduled_states

GUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def links_in_scope(provider: IdentityProvider, *, every: bool) -> "QuerySet[FederatedIdentity]":
    """Return the links of a provider to a former issuer (before it was moved to another tenant), or every link."""
    links = FederatedIdentity.objects.filter(provider=provider)
    return links if every else links.exclude(issuer=provider.issuer)


def with_domain(people: "QuerySet[User]") -> "QuerySet[Any]":
    """Return the people with `email_domain`: what stands behind the @ of the company email."""
    return people.annotate(email_domain=EmailDomain("company_email"))


@after_scheduled_states
def forget_impact(provider: IdentityProvider, *, every: bool) -> ProviderImpact:
    """Compute what becomes of the people whose links in scope are forgotten. Each is counted in one line."""
    links = links_in_scope(provider, every=every)
    people = with_domain(User.objects.filter(pk__in=links.values("person_id")))
    groups = _groups(provider, every=every)
    counts = people.aggregate(**{f"count_{key}": Count("pk", filter=group) for key, group in groups.items()})
    lines = [_line("links_forgotten", links.count(), "danger")]
    for key, tone in _TONES.items():
        if key in {"linked_now", "by_external_id"} and key not in groups:
            continue  # can never be more than nobody
        count = counts.get(f"count_{key}", 0)
        named = people.filter(groups[key]).order_by("company_email")[:EXAMPLES] if count else []
        lines.append(_line(key, count, tone, tuple(person.label for person in named)))
    live = sessions_to_end(provider, every=every).filter(expire_date__gt=timezone.now())
    lines.append(_line("sessions_ended", live.count(), "warning"))
    return _impact(provider, lines, basis="all" if every else "former")


_TONES = {
    "linked_now": "success",
    "by_external_id": "neutral",
    "by_email": "neutral",
    "not_found": "danger",
    "not_active": "neutral",
    "administrators": "neutral",
}


def _groups(provider: IdentityProvider, *, every: bool) -> dict[str, Q]:
    """Return the conditions of the lines, each without those before it. A line that cannot apply is left out."""
    conditions = {"administrators": Q(admin_role__isnull=False)}
    if not every:
        conditions["linked_now"] = Q(pk__in=_linked_now(provider))
    conditions["not_active"] = ~Q(state=State.ACTIVE)
    if provider.is_entra:
        conditions["by_external_id"] = Q(external_id__isnull=False, external_id__regex=GUID)
    if provider.email_domains:
        conditions["by_email"] = Q(email_domain__in=provider.email_domains)
    groups, before = {}, Q()
    for key, condition in conditions.items():
        groups[key] = before & condition
        before &= ~condition
    return {**groups, "not_found" if provider.email_domains else "by_email": before}


def _linked_now(provider: IdentityProvider) -> "QuerySet[FederatedIdentity, Any]":
    return FederatedIdentity.objects.filter(issuer=provider.issuer).values("person_id")


def sessions_to_end(provider: IdentityProvider, *, every: bool) -> "QuerySet[UserSession]":
    """Return the sessions of the provider that rest on a link in scope and on no other."""
    sessions = UserSession.objects.filter(provider_id=provider.pk)
    return sessions if every else sessions.exclude(person__in=_linked_now(provider))


# What each number means: for one, and for none or several.
_WORDS = {
    "links_forgotten": ("link is forgotten", "links are forgotten"),
    "linked_now": (
        "of these people is linked at the present issuer already, and notices nothing",
        "of these people are linked at the present issuer already, and notice nothing",
    ),
    "by_external_id": (
        "person has an external ID, and is linked by it if it is the account's object ID",
        "people have an external ID, and are linked by it if it is their account's object ID",
    ),
    "by_email": (
        "person can be linked again by company email at the next sign-in",
        "people can be linked again by company email at their next sign-in",
    ),
    "not_found": (
        "person stays out: the company email is outside the provider's email domains",
        "people stay out: their company emails are outside the provider's email domains",
    ),
    "not_active": ("person is not active, and stays out as before", "people are not active, and stay out as before"),
    "administrators": (
        "administrator loses a link that was of no use",
        "administrators lose links that were of no use",
    ),
    "sessions_ended": ("session ends now", "sessions end now"),
    "links_moved": ("link goes over to the new account", "links go over to the new accounts"),
    "unchanged": ("line is true already", "lines are true already"),
}


def _line(key: str, count: int, tone: str, examples: tuple[str, ...] = ()) -> Line:
    one, many = _WORDS[key]
    return Line(count, one if count == 1 else many, tone if count else "neutral", examples, key)


def map_impact(provider: IdentityProvider, *, moved: int, unchanged: int, sessions: int, basis: str) -> ProviderImpact:
    """Return the impact of mapping links to new accounts."""
    lines = (
        _line("links_moved", moved, "success"),
        _line("unchanged", unchanged, "neutral"),
        _line("sessions_ended", sessions, "warning"),
    )
    return _impact(provider, lines, basis=basis)


def _impact(provider: IdentityProvider, lines: Iterable[Line], *, basis: str) -> ProviderImpact:
    return ProviderImpact(
        tuple(lines), act="relink", provider_id=str(provider.pk), provider_revision=provider.revision, basis=basis
    )
