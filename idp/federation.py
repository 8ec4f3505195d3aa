"""Who a verified token is: the durable link first, then the ladder of a first link.

Nothing here trusts an email as a key. It is looked at once, under conditions, to find the person whose link is made;
from then on only (issuer, subject) counts.
"""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from idp import known_links
from idp.federation_errors import (
    EmailMissing,
    EmailNotPlain,
    EmailOutsideDomains,
    EmailUnverified,
    ExternalIdContradicts,
    GuestNotLinked,
    MatchAmbiguous,
    NoMatch,
    PersonIsAdministrator,
    PersonLinkedElsewhere,
    PersonStaged,
    PersonSuspended,
    ProviderChanged,
    ProviderUnavailable,
    RoutedElsewhere,
)
from idp.known_links import KnownLink
from idp.models import FederatedIdentity, IdentityProvider, Kind, Status
from idp.protocol.types import IdTokenClaims
from idp.routing import provider_of
from users import names
from users.audit import Actor, record
from users.errors import CompanyEmailInvalid
from users.models import State, User
from users.names import is_guid


@dataclass(frozen=True)
class Match:
    """The person behind a token, and the rule that found her: `link`, `external_id` or `email`; or `created`.

    Attributes:
        link: the one that exists already, or None before the first sign-in.
    """

    person: User
    rule: str
    link: KnownLink | None = None


def match_person(*, provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    """Return the person behind a verified token: by her link, or by the ladder of a first link. Writes nothing.

    The provider is looked at again: an administrator may have changed or ended it while the person was away.

    Raises:
        ProviderUnavailable, ProviderChanged: the provider is not the one that was asked.
        NoMatch and its subclasses: nobody may come in with this token.
        RoutedElsewhere: the person is known, and signs in another way.
    """
    link = known_links.find(claims)
    if link is not None and link.provider_id == provider.pk:
        _refuse_changed(provider, link.provider_status, link.provider_version)
    else:
        _refuse_changed(provider, *_status_and_version(provider))
    match = _person_behind(link, provider, claims)
    _refuse_routed_elsewhere(match, provider)
    return match


def preview_match(provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    """Return whom a sign-in would match, also at a provider that is not active. Writes nothing.

    Raises:
        NoMatch and its subclasses: nobody may come in with this token.
    """
    return _person_behind(known_links.find(claims), provider, claims)


def _person_behind(link: KnownLink | None, provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    if link is None:
        return find_first_link(provider, claims)
    _refuse(link.person)
    return Match(link.person, "link", link)


def _refuse_routed_elsewhere(match: Match, provider: IdentityProvider) -> None:
    """Refuse whom no routing policy sends here, though the account be hers: an exception is one at every door."""
    if match.link is not None:
        routed_to = match.link.routed_to
    else:
        routed = provider_of(match.person)
        routed_to = routed.pk if routed else None
    if routed_to != provider.pk:
        raise RoutedElsewhere(person=match.person.company_email)


def keep_link(*, actor: Actor, provider: IdentityProvider, claims: IdTokenClaims, match: Match) -> None:
    """Make the link of a first sign-in, or note this sign-in on the link there is, in the caller's transaction.

    Raises:
        ProviderUnavailable, ProviderChanged: the provider or the link was removed meanwhile.
        PersonLinkedElsewhere: another account was linked to the person meanwhile.
    """
    link = match.link or _link_first_time(actor, provider, claims, match)
    if link is not None and not known_links.note_sign_in(link, provider, claims):
        raise ProviderChanged()  # unlinked, or the provider changed or gone, in the same moment


def _as_asked(provider: IdentityProvider) -> "QuerySet[IdentityProvider]":
    """Return the provider's row, if it still is what the person was sent to."""
    return IdentityProvider.objects.filter(pk=provider.pk, version=provider.version, status=Status.ACTIVE)


def _status_and_version(provider: IdentityProvider) -> tuple[str, int]:
    return IdentityProvider.objects.filter(pk=provider.pk).values_list("status", "version").first() or ("", 0)


def _refuse_changed(asked: IdentityProvider, status: str, version: int) -> None:
    """Refuse if the provider that was asked is not active any more, or another than then."""
    if status != Status.ACTIVE:
        raise ProviderUnavailable()
    if version != asked.version:
        raise ProviderChanged()


def find_first_link(provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    """Return whom a first link would be made to, and by which rule. Writes nothing.

    The ladder: (a) at Entra, the person's external ID is the token's object ID; (b) the email or UPN is that of exactly
    one active, unlinked person whose external ID does not name another account, in one of the provider's domains, and
    the provider vouches for it. Guests are found by (a) alone: the tenant does not answer for their email.

    Raises:
        NoMatch and its subclasses.
    """
    match = _by_external_id(claims) or _by_email(provider, claims)
    _refuse(match.person)
    # Not this very account: another first sign-in of it may have been faster, and then its link is ours too.
    links = FederatedIdentity.objects.filter(person=match.person, issuer=claims.issuer)
    if links.exclude(subject=claims.federated_subject).exists():
        raise PersonLinkedElsewhere(person=match.person.company_email)
    return match


def _link_first_time(actor: Actor, provider: IdentityProvider, claims: IdTokenClaims, match: Match) -> KnownLink | None:
    """Make the link, or return the one that another first sign-in of this account made in the same moment."""
    # Nobody deletes the provider between here and the commit: its link would point to nothing.
    if not _as_asked(provider).select_for_update(no_key=True).exists():
        _refuse_changed(provider, *_status_and_version(provider))
    try:
        with transaction.atomic():
            FederatedIdentity.objects.create(
                person=match.person,
                provider=provider,
                issuer=claims.issuer,
                subject=claims.federated_subject,
                rule=match.rule,
                email=claims.email or claims.upn,
                display_name=claims.name,
                last_sign_in_at=timezone.now(),
            )
    except IntegrityError as error:
        existing = known_links.find(claims)
        if existing is None or existing.person.pk != match.person.pk:
            raise PersonLinkedElsewhere(person=match.person.company_email) from error
        return existing
    record(
        "idp.identity.linked",
        actor=actor.as_person(match.person),
        target=match.person,
        details={"provider": provider.name, "rule": match.rule, "subject": claims.federated_subject},
    )
    return None


def _by_external_id(claims: IdTokenClaims) -> Match | None:
    # Object IDs are unique in the world. A `sub` is not: a provider chooses its own, and could choose somebody's.
    person = User.objects.filter(external_id=claims.object_id).first() if claims.object_id else None
    return Match(person, "external_id") if person else None


def _by_email(provider: IdentityProvider, claims: IdTokenClaims) -> Match:
    if claims.is_guest:
        raise GuestNotLinked()
    addresses = _addresses(provider, claims)
    if not _vouches(provider, claims):
        raise EmailUnverified()
    inside = {address for address in addresses if _in_domains(address, provider)}
    if not inside:
        raise EmailOutsideDomains(domains=sorted({address.rpartition("@")[2] for address in addresses}))
    people = list(User.objects.filter(company_email__in=inside)[:2])
    if len(people) > 1:
        raise MatchAmbiguous(people=[person.company_email for person in people])
    if not people:
        raise NoMatch(emails=sorted(inside))
    if claims.object_id and is_guid(people[0].external_id or "") and people[0].external_id != claims.object_id:
        raise ExternalIdContradicts(person=people[0].company_email)
    return Match(people[0], "email")


def _vouches(provider: IdentityProvider, claims: IdTokenClaims) -> bool:
    """Return whether the provider answers for the email's owner being the person.

    Entra: `xms_edov` is not false. Google: the account belongs to the domain's own organisation (`hd`), because anybody
    can open a private account with a company address; or it is a gmail.com address. Others: `email_verified` is true.
    """
    if provider.is_entra:
        return claims.domain_owner_verified is not False
    if claims.email_verified is not True:
        return False
    domain = claims.email.rpartition("@")[2].lower()
    return provider.kind != Kind.GOOGLE or domain == "gmail.com" or str(claims.raw.get("hd", "")).lower() == domain


def _addresses(provider: IdentityProvider, claims: IdTokenClaims) -> set[str]:
    """Return the email and, from Entra, the UPN in normal form. `preferred_username` is neither: users edit it."""
    given = [claims.email, claims.upn] if provider.is_entra else [claims.email]
    present = [text for text in given if text]
    if not present:
        raise EmailMissing()
    try:
        return {names.normalise_email(text) for text in present}
    except CompanyEmailInvalid as error:
        raise EmailNotPlain() from error


def _in_domains(address: str, provider: IdentityProvider) -> bool:
    return not provider.email_domains or address.rpartition("@")[2] in provider.email_domains


def _refuse(person: User) -> None:
    """Refuse who may not come in this way, linked or not: administrators sign in locally, whatever a token says."""
    if person.admin_role is not None:
        raise PersonIsAdministrator(person=person.company_email)
    if person.effective_state == State.SUSPENDED:
        raise PersonSuspended(person=person.company_email)
    if person.effective_state == State.STAGED:
        raise PersonStaged(person=person.company_email)
