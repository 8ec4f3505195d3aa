"""What an act would change, in numbers and names, computed before it is confirmed and again when it is."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q, QuerySet

from idp.models import FederatedIdentity, IdentityProvider
from users.models import Realm, State, User, UserSession
from users.sessions import live_sessions

# What federation opens in this version. Later parts add their names.
RESOURCES = ("User Portal",)
EXAMPLES = 5


class Act(StrEnum):
    """The acts whose impact is shown."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


@dataclass(frozen=True)
class Line:
    """One number with what it means, and the first few names behind it."""

    key: str
    count: int
    text: str
    tone: str = "neutral"
    examples: tuple[str, ...] = ()

    @property
    def more(self) -> int:
        """How many names are not among the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Impact:
    """The impact of one act on one provider. Dialog, full page, command and audit row all render this."""

    act: Act
    provider_id: str
    provider_version: int
    lines: tuple[Line, ...]
    resources: tuple[str, ...] = RESOURCES

    def numbers(self) -> dict[str, int]:
        """Return the counts by key."""
        return {line.key: line.count for line in self.lines}

    @property
    def fingerprint(self) -> str:
        """What a confirmation refers to: the same act on the same version of the provider with the same numbers.

        Sessions are left out: where people sign in all day their number never stands still, and nobody could confirm.
        """
        numbers = {key: count for key, count in self.numbers().items() if key != "sessions_ended"}
        facts = [self.act, self.provider_id, self.provider_version, sorted(numbers.items())]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def impact_of(act: Act, provider: IdentityProvider) -> Impact:
    """Compute the impact of an act as things are now."""
    lines = {Act.ACTIVATE: _activation, Act.DEACTIVATE: _deactivation, Act.DELETE: _deletion}[act](provider)
    return Impact(act=act, provider_id=str(provider.pk), provider_version=provider.version, lines=tuple(lines))


def _activation(provider: IdentityProvider) -> list[Line]:
    people = User.objects.without_role()
    active = people.filter(state=State.ACTIVE)
    outside = _outside_domains(active, provider)
    linked = active.filter(federated_identities__issuer=provider.issuer)
    sessions = live_sessions(realm=Realm.USER, person__admin_role__isnull=True)
    lines = [
        _people(
            "people_sent",
            active,
            f"active person will sign in with {provider.name}",
            f"active people will sign in with {provider.name}",
        ),
        _people(
            "already_linked",
            linked,
            "of them is linked to it already, from an earlier sign-in",
            "of them are linked to it already, from earlier sign-ins",
        ),
    ]
    if provider.email_domains:
        domains = ", ".join(provider.email_domains)
        unmatched = outside.exclude(pk__in=linked)
        one = f"of them cannot be matched: the company email is outside {domains}"
        many = f"of them cannot be matched: their company emails are outside {domains}"
        lines.append(_people("outside_domains", unmatched, one, many, tone="danger"))
    lines += [
        _people(
            "staged",
            people.filter(state=State.STAGED),
            "staged person stays out until activated",
            "staged people stay out until they are activated",
        ),
        _people(
            "suspended",
            people.filter(state=State.SUSPENDED),
            "suspended person stays out",
            "suspended people stay out",
        ),
        _sessions(
            sessions,
            "session in the User Portal ends now; this person signs in again",
            "sessions in the User Portal end now; these people sign in again",
        ),
        _people(
            "administrators_kept",
            User.objects.administrators().active(),
            "administrator keeps their own sign-in and password, and is never sent to the provider",
            "administrators keep their own sign-in and password, and are never sent to the provider",
            tone="success",
        ),
    ]
    return lines


def _deactivation(provider: IdentityProvider) -> list[Line]:
    return [*_who_loses_access(provider), _ended_sessions(provider)]


def _deletion(provider: IdentityProvider) -> list[Line]:
    links = FederatedIdentity.objects.filter(provider=provider).select_related("person").order_by("created_at")
    examples = tuple(link.person.label for link in links[:EXAMPLES])
    count = links.count()
    one = "link between a person and an account at the provider is lost"
    many = "links between people and their accounts at the provider are lost"
    lost = Line("links_lost", count, one if count == 1 else many, "danger" if count else "neutral", examples)
    return [lost, *_deactivation(provider)]


def _who_loses_access(provider: IdentityProvider) -> list[Line]:
    """Return who has no password and comes in through this provider only. Nobody, while it is not active."""
    active = User.objects.without_role().active() if provider.is_active else User.objects.none()
    unusable = Q(password__startswith="!") | Q(password="")  # noqa: S106  (Django's mark of "no password")
    return [
        _people(
            "locked_out",
            active.filter(unusable),
            "person has no password and cannot get in any more",
            "people have no password and cannot get in any more",
            tone="danger",
        ),
        _people(
            "back_to_password",
            active.exclude(unusable),
            "person signs in with a Gatehouse password again",
            "people sign in with their Gatehouse passwords again",
        ),
    ]


def _ended_sessions(provider: IdentityProvider) -> Line:
    count = UserSession.objects.filter(provider_id=provider.pk).count()
    return _sessions(count, "session that it opened ends now", "sessions that it opened end now")


def _sessions(count: int, one: str, many: str) -> Line:
    return Line("sessions_ended", count, one if count == 1 else many, "warning" if count else "neutral")


def _outside_domains(people: "QuerySet[User]", provider: IdentityProvider) -> "QuerySet[User]":
    """Return the people whose email no listed domain covers; nobody where any domain may be linked."""
    if not provider.email_domains:
        return people.none()
    inside = Q()
    for domain in provider.email_domains:
        inside |= Q(company_email__endswith=f"@{domain}")
    return people.exclude(inside)


def _people(key: str, people: "QuerySet[User]", one: str, many: str, tone: str = "neutral") -> Line:
    """Return how many people there are, in words that fit the number, with the first few names."""
    count = people.count()
    text = one if count == 1 else many
    names = people.order_by("company_email")[:EXAMPLES] if count else []
    return Line(key, count, text, tone if count else "neutral", tuple(person.label for person in names))
