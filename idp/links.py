"""Links of people to their accounts, made and ended by an administrator."""

import uuid

from django.db import IntegrityError, transaction

from idp.errors import ProviderNotFound
from idp.link_errors import (
    AccountHasOtherPerson,
    LinkNotFound,
    LinkToAdministrator,
    ObjectIdInvalid,
    PersonHasOtherAccount,
    SubjectInvalid,
)
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.pending_links import find_pending
from users import sessions
from users.audit import Actor, audited, record
from users.errors import DirectoryError
from users.models import User, UserSession
from users.names import is_guid
from users.permissions import Permission
from users.services import require

SUBJECT_MAX_LENGTH = 255


def subject_of(provider: IdentityProvider, object_id: str) -> str:
    """Return the subject of an account (`tid.oid` at Entra, `sub` elsewhere) from what an administrator copies.

    Raises:
        ObjectIdInvalid, SubjectInvalid: it cannot be one.
    """
    text = object_id.strip()
    if not provider.is_entra:
        if not text or len(text) > SUBJECT_MAX_LENGTH or not text.isprintable():
            raise SubjectInvalid()
        return text
    prefix = f"{provider.tenant_id}.".lower()
    text = text.lower().removeprefix(prefix)
    if not is_guid(text):
        raise ObjectIdInvalid()
    return prefix + text


def object_id_of(provider: IdentityProvider, subject: str) -> str:
    """Return what administrators know an account by: of Entra's subjects in the provider's own tenant the object ID."""
    return subject.removeprefix(f"{provider.tenant_id}.".lower()) if provider.is_entra else subject


def obstacle(provider: IdentityProvider, subject: str, person: User) -> DirectoryError | None:
    """Return why this account cannot be linked to this person now, or None. Staged and suspended people can be linked.

    Whether somebody may come in is checked at every sign-in, so a link can be prepared for whoever may not yet.
    """
    if person.admin_role is not None:
        return LinkToAdministrator(person=person.company_email)
    taken = FederatedIdentity.objects.select_related("person").filter(issuer=provider.issuer, subject=subject).first()
    if taken is not None and taken.person_id != person.pk:
        return AccountHasOtherPerson(person=taken.person.company_email)
    if FederatedIdentity.objects.filter(issuer=provider.issuer, person=person).exclude(subject=subject).exists():
        return PersonHasOtherAccount(person=person.company_email)
    return None


@audited("idp.identity.linked")
def link_pending(*, actor: Actor, provider: IdentityProvider, pending: PendingLink, person: User) -> FederatedIdentity:
    """Link an account that was not matched to a person. It is not pending any more.

    Raises:
        PendingLinkNotFound: it is not pending (any more).
        LinkToAdministrator, PersonHasOtherAccount, AccountHasOtherPerson: it cannot be linked to this person.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    pending = find_pending(provider, pending.pk)
    shown = {"email": pending.email, "display_name": pending.display_name}
    return _link(actor, provider, pending.subject, person, "administrator", **shown)


@audited("idp.identity.linked")
def pre_link_person(*, actor: Actor, provider: IdentityProvider, person: User, object_id: str) -> FederatedIdentity:
    """Link a person to an account by its object ID (Entra) or subject, before she signs in for the first time.

    Raises:
        ObjectIdInvalid, SubjectInvalid: it cannot be an account of this provider.
        LinkToAdministrator, PersonHasOtherAccount, AccountHasOtherPerson: it cannot be linked to this person.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    return _link(actor, provider, subject_of(provider, object_id), person, "pre_link")


def keep_provider(provider: IdentityProvider) -> IdentityProvider:
    """Return the provider as stored now, locked as the first-link ladder locks it: links are made one after the other.

    Raises:
        ProviderNotFound: it was deleted.
    """
    stored = IdentityProvider.objects.select_for_update(no_key=True).filter(pk=provider.pk).first()
    if stored is None:
        raise ProviderNotFound(identifier=provider.name)
    return stored


def _link(
    actor: Actor, provider: IdentityProvider, subject: str, person: User, rule: str, **shown: str
) -> FederatedIdentity:
    existing = FederatedIdentity.objects.filter(issuer=provider.issuer, subject=subject, person=person).first()
    if existing is not None and person.admin_role is None:
        return existing  # a second click, or a first sign-in that was faster: it is done
    refusal = obstacle(provider, subject, person)
    if refusal is not None:
        raise refusal
    try:
        with transaction.atomic():
            link = FederatedIdentity.objects.create(
                person=person, provider=provider, issuer=provider.issuer, subject=subject, rule=rule, **shown
            )
    except IntegrityError as error:
        # A link at another provider with the same issuer is made under another lock.
        raise obstacle(provider, subject, person) or PersonHasOtherAccount(person=person.company_email) from error
    details = {"provider": provider.name, "rule": rule, "subject": subject}
    record("idp.identity.linked", actor=actor, target=person, details=details)
    return link


def find_link(provider: IdentityProvider, identifier: object) -> FederatedIdentity:
    """Return the link of this provider under this id. Raises LinkNotFound."""
    links = FederatedIdentity.objects.select_related("person")
    found = links.filter(pk=uuid.UUID(str(identifier)), provider=provider).first()
    if found is None:
        raise LinkNotFound(person="This person", provider=provider.name)
    return found


def link_of(provider: IdentityProvider, person: User) -> FederatedIdentity:
    """Return a person's link at a provider: to the present issuer, or else to a former one. Raises LinkNotFound."""
    links = list(FederatedIdentity.objects.select_related("person").filter(provider=provider, person=person))
    if not links:
        raise LinkNotFound(person=person.company_email, provider=provider.name)
    return max(links, key=lambda link: (link.issuer == provider.issuer, link.created_at))


@audited("idp.identity.unlinked")
def unlink_person(*, actor: Actor, provider: IdentityProvider, link: FederatedIdentity) -> int:
    """Remove a link, end the person's sessions that this provider opened, and return how many there were.

    Where the ladder finds the person by external ID or email it links her again at the next sign-in.

    Raises:
        LinkNotFound: it was removed meanwhile.
    """
    require(actor, Permission.MANAGE_IDENTITY_PROVIDERS)
    provider = keep_provider(provider)
    # In the order of a sign-in, session before link: two that wait for each other would never end.
    lock_sessions(provider_id=provider.pk, person=link.person)
    if not FederatedIdentity.objects.filter(pk=link.pk, provider=provider).delete()[0]:
        raise LinkNotFound(person=link.person.company_email, provider=provider.name)
    # Only now: a sign-in that was under way when the link went has stored its session, or never will.
    ended = sessions.end_sessions(provider_id=provider.pk, person=link.person)
    details = {"provider": provider.name, "subject": link.subject, "sessions_ended": ended}
    record("idp.identity.unlinked", actor=actor, target=link.person, details=details)
    return ended


def lock_sessions(**filters: object) -> None:
    """Lock the sessions that the filters select until the end of the transaction."""
    list(UserSession.objects.select_for_update().filter(**filters).order_by("pk").values_list("pk"))
