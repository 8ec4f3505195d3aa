"""What the Admin Portal says about one person and the providers: how she signs in, and what a deletion would take."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.db.models import Count, Q

from idp.link_queries import RULES
from idp.links import object_id_of
from idp.models import FederatedIdentity, PendingLink, Rehearsal
from idp.routing import route_of
from users.impact import EXAMPLES, Impact, Line
from users.models import GroupMembership, State, User, UserSession
from users.sessions import live_sessions

PENDING_SHOWN = 10
_WHY_LOCAL = "No routing policy sends this person to an identity provider."


@dataclass(frozen=True)
class Account:
    """One account at a provider that a person is linked to.

    Attributes:
        rule: how the link came about, in words.
        is_former: whether its issuer is not the provider's any more, so that it opens nothing.
    """

    link: FederatedIdentity
    object_id: str
    rule: str
    is_former: bool


@dataclass(frozen=True)
class Way:
    """How a person signs in now: a sentence, a further one that explains it, and whether it works."""

    sentence: str
    explanation: str
    works: bool = True


def accounts_of(person: User) -> list[Account]:
    """Return the accounts that a person is linked to, the last used first."""
    links = FederatedIdentity.objects.filter(person=person).select_related("provider").order_by("created_at")
    return [
        Account(
            link,
            object_id_of(link.provider, link.subject),
            RULES.get(link.rule, ""),
            link.issuer != link.provider.issuer,
        )
        for link in links
    ]


def pending_links_naming(person: User) -> list[PendingLink]:
    """Return the accounts that came, matched nobody, and have or name this person's company email."""
    named = Q(email__iexact=person.company_email) | Q(facts__person=person.company_email)
    return list(PendingLink.objects.filter(named, dismissed_at=None).select_related("provider")[:PENDING_SHOWN])


def way_of(person: User) -> Way:
    """Say how a person signs in now."""
    way = _way_in(person)
    if person.effective_state == State.ACTIVE:
        return way
    word = State(person.effective_state).label.lower()
    return Way(f"Not at all while {word}.", f"Once active: {way.sentence} {way.explanation}", works=False)


def _way_in(person: User) -> Way:
    route = route_of(person)
    if person.admin_role is not None:
        explanation = "Administrators are never sent to an identity provider, so that they can repair it."
        return Way("With a Gatehouse password.", explanation)
    if route is not None:
        provider = route.provider
        link = FederatedIdentity.objects.filter(person=person, issuer=provider.issuer).first()
        if link is not None:
            account = link.email or object_id_of(provider, link.subject)
            return Way(f"Through {provider.name}.", f"Linked to the account {account}. The password is kept there.")
        known_by = "external ID or company email" if person.external_id else "company email"
        explanation = f"Not linked yet: the first sign-in with an account of the same {known_by} makes the link."
        return Way(f"Through {provider.name}.", explanation)
    if person.has_usable_password():
        return Way("With a Gatehouse password.", _WHY_LOCAL)
    return Way("There is no way in.", f"{_WHY_LOCAL} There is no password either.", works=False)


def impact_of_deletion(person: User) -> Impact:
    """Count what goes with a person. The audit log stays."""
    return Impact(tuple(_lost(person)))


def _lost(person: User) -> Iterator[Line]:
    sessions = live_sessions(person=person)
    yield Line(sessions, f"open session{_s(sessions)} end{'s' if sessions == 1 else ''} at once", "warning")
    links = FederatedIdentity.objects.filter(person=person).values_list("provider__name")
    by_provider = list(links.annotate(count=Count("pk")).order_by("provider__name"))
    for name, count in by_provider or [("an identity provider", 0)]:
        yield Line(count, f"link{_s(count)} to an account at {name}", "danger")
    groups = person.groups.order_by("name").values_list("name", flat=True)
    count = groups.count()
    yield Line(count, f"membership{_s(count)} of a group", "neutral", tuple(groups[:EXAMPLES]))
    yield from _further(person)


def _further(person: User) -> Iterator[Line]:
    """Count whatever else the database would delete with a person, such as second factors."""
    known = {UserSession, FederatedIdentity, GroupMembership}
    for relation in User._meta.related_objects:
        kind = relation.related_model
        if relation.many_to_many or relation.on_delete is not models.CASCADE or kind in known:
            continue
        count = kind._default_manager.filter(**{relation.field.name: person}).count()
        if count:
            name = kind._meta.verbose_name if count == 1 else kind._meta.verbose_name_plural
            yield Line(count, str(name), "neutral" if kind is Rehearsal else "danger")


def _s(count: int) -> str:
    return "" if count == 1 else "s"
