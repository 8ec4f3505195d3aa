"""What an act would change, in numbers and names, computed before it is confirmed and again when it is."""

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db.models import Q, QuerySet

from idp.errors import ImpactChanged, ImpactNotConfirmed
from idp.models import FederatedIdentity, IdentityProvider
from users.impact import EXAMPLES, Impact, Line
from users.models import Realm, State, User
from users.schedules import after_scheduled_states
from users.sessions import live_sessions

# What federation opens in this version. Later parts add their names.
RESOURCES = ("User Portal",)


class Act(StrEnum):
    """The acts whose impact is shown."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


@dataclass(frozen=True)
class ProviderImpact(Impact):
    """The impact of one act on one provider. Dialog, full page, command and audit row all render this.

    Attributes:
        act: one of `Act`, or "relink".
        basis: what else a confirmation refers to, such as the lines that were pasted.
    """

    act: str
    provider_id: str
    provider_revision: int
    basis: str = ""
    resources: tuple[str, ...] = RESOURCES

    @property
    def fingerprint(self) -> str:
        """What a confirmation refers to: the same act on the same version of the provider with the same numbers.

        Sessions are left out: where people sign in all day their number never stands still, and nobody could confirm.
        """
        numbers = {key: count for key, count in self.numbers().items() if key != "sessions_ended"}
        facts = [self.act, self.provider_id, self.provider_revision, self.basis, sorted(numbers.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


@after_scheduled_states
def impact_of(act: Act, provider: IdentityProvider) -> ProviderImpact:
    """Compute the impact of an act as things are now."""
    lines = {Act.ACTIVATE: _activation, Act.DEACTIVATE: _deactivation, Act.DELETE: _deletion}[act](provider)
    return ProviderImpact(tuple(lines), act=act, provider_id=str(provider.pk), provider_revision=provider.revision)


def confirmed(act: Act, provider: IdentityProvider, understood: bool, fingerprint: str | None) -> ProviderImpact:
    """Return the impact of an act that was confirmed; see `require_confirmed`."""
    impact = impact_of(act, provider)
    require_confirmed(impact, understood=understood, fingerprint=fingerprint)
    return impact


def require_confirmed(impact: ProviderImpact, *, understood: bool, fingerprint: str | None) -> None:
    """Refuse what was not confirmed, or confirmed as something else.


    Args:
        understood: whether it was.
        fingerprint: of the impact that was shown, or None where the caller shows none (a command).

    Raises:
        ImpactNotConfirmed, ImpactChanged: it was not, or something else was.
    """
    if not understood:
        raise ImpactNotConfirmed()
    if fingerprint is not None and fingerprint != impact.fingerprint:
        raise ImpactChanged()


# What each number means: for one, and for none or several.
_WORDS = {
    "people_sent": ("active person will sign in with {name}", "active people will sign in with {name}"),
    "already_linked": (
        "of them is linked to it already, from an earlier sign-in",
        "of them are linked to it already, from earlier sign-ins",
    ),
    "outside_domains": (
        "of them cannot be matched: the company email is outside {domains}",
        "of them cannot be matched: their company emails are outside {domains}",
    ),
    "staged": ("staged person stays out until activated", "staged people stay out until they are activated"),
    "suspended": ("suspended person stays out", "suspended people stay out"),
    "administrators_kept": (
        "administrator keeps their own sign-in and password, and is never sent to the provider",
        "administrators keep their own sign-in and password, and are never sent to the provider",
    ),
    "local_sessions_end": (
        "session in the User Portal ends now; this person signs in again",
        "sessions in the User Portal end now; these people sign in again",
    ),
    "its_sessions_end": ("session that it opened ends now", "sessions that it opened end now"),
    "locked_out": (
        "person has no password and cannot get in any more",
        "people have no password and cannot get in any more",
    ),
    "back_to_password": (
        "person signs in with a Gatehouse password again",
        "people sign in with their Gatehouse passwords again",
    ),
    "links_lost": (
        "link between a person and an account at the provider is lost",
        "links between people and their accounts at the provider are lost",
    ),
}


def _activation(provider: IdentityProvider) -> list[Line]:
    people = User.objects.without_role()
    active = people.filter(state=State.ACTIVE)
    linked = active.filter(federated_identities__issuer=provider.issuer)
    sessions = live_sessions(realm=Realm.USER, person__admin_role__isnull=True)
    lines = [_people("people_sent", active, name=provider.name), _people("already_linked", linked)]
    if provider.email_domains:
        unmatched = _outside_domains(active, provider).exclude(pk__in=linked)
        domains = ", ".join(provider.email_domains)
        lines.append(_people("outside_domains", unmatched, tone="danger", domains=domains))
    return [
        *lines,
        _people("staged", people.filter(state=State.STAGED)),
        _people("suspended", people.filter(state=State.SUSPENDED)),
        _sessions("local_sessions_end", sessions),
        _people("administrators_kept", User.objects.administrators().active(), tone="success"),
    ]


def _deactivation(provider: IdentityProvider) -> list[Line]:
    """Return who has no password and comes in through this provider only. Nobody, while it is not active."""
    active = User.objects.without_role().active() if provider.is_active else User.objects.none()
    unusable = Q(password__startswith="!") | Q(password="")  # noqa: S106  (Django's mark of "no password")
    sessions = live_sessions(provider_id=provider.pk)
    return [
        _people("locked_out", active.filter(unusable), tone="danger"),
        _people("back_to_password", active.exclude(unusable)),
        _sessions("its_sessions_end", sessions),
    ]


def _deletion(provider: IdentityProvider) -> list[Line]:
    links = FederatedIdentity.objects.filter(provider=provider).select_related("person").order_by("created_at")
    if IdentityProvider.objects.filter(issuer=provider.issuer).exclude(pk=provider.pk).exists():
        links = links.none()  # they go over to the other provider of the same issuer
    examples = tuple(link.person.label for link in links[:EXAMPLES])
    return [_line("links_lost", links.count(), tone="danger", examples=examples), *_deactivation(provider)]


def _outside_domains(people: "QuerySet[User]", provider: IdentityProvider) -> "QuerySet[User]":
    """Return the people whom no listed domain covers and no external ID can find."""
    inside = Q()
    for domain in provider.email_domains:
        inside |= Q(company_email__endswith=f"@{domain}")
    return people.filter(external_id__isnull=True).exclude(inside)


def _people(key: str, people: "QuerySet[User]", *, tone: str = "neutral", **words: str) -> Line:
    """Return how many people there are, with the first few names."""
    count = people.count()
    named = people.order_by("company_email")[:EXAMPLES] if count else []
    return _line(key, count, tone=tone, examples=tuple(person.label for person in named), **words)


def _sessions(words: str, count: int) -> Line:
    return replace(_line(words, count, tone="warning"), key="sessions_ended")


def _line(key: str, count: int, *, tone: str, examples: tuple[str, ...] = (), **words: str) -> Line:
    """Return a line in words that fit the number; nothing shouts that concerns nobody."""
    one, many = _WORDS[key]
    text = (one if count == 1 else many).format(**words)
    return Line(count, text, tone if count else "neutral", examples, key)
