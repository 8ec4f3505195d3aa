"""Second factors: who has which, who must have one, and taking them away."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from users import factor_owner, lockout, notices, recovery_codes, sessions
from users.audit import Actor, audited, record
from users.errors import PermissionRefused, PersonNotFound
from users.factor_errors import FactorNotFound, SecondFactorManagedExternally, SecondFactorNeeded
from users.models import AuthenticatorApp, Organization, Passkey, RecoveryCode, User, UserQuerySet
from users.permissions import Permission
from users.services import require

FEW_CODES = 3


@dataclass(frozen=True)
class Factors:
    """The second factors of a person.

    Attributes:
        app: her authenticator app, or None.
        passkeys: the oldest first.
        recovery_codes: how many are left.
    """

    app: AuthenticatorApp | None
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    def __bool__(self) -> bool:
        """Whether there is any: recovery codes alone are none."""
        return bool(self.app or self.passkeys)

    @property
    def few_codes(self) -> bool:
        """Whether it is time for new recovery codes."""
        return bool(self) and self.recovery_codes <= FEW_CODES

    @property
    def takes_code(self) -> bool:
        """Whether there is anything whose code can be typed."""
        return bool(self.app or self.recovery_codes)

    @property
    def last_used_at(self) -> datetime | None:
        """When one of them was used last."""
        moments = [self.app.last_used_at if self.app else None, *(passkey.last_used_at for passkey in self.passkeys)]
        return max((moment for moment in moments if moment), default=None)


@dataclass(frozen=True)
class Enrolled:
    """What enrolling a factor led to.

    Attributes:
        recovery_codes: where it was the person's first factor; they are shown now and never again.
        sessions_ended: how many other sessions were ended, because they were opened without a second factor.
    """

    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    sessions_ended: int = 0


def factors_of(person: User) -> Factors:
    """Return a person's second factors."""
    return Factors(
        app=AuthenticatorApp.objects.filter(person=person).first(),
        passkeys=tuple(Passkey.objects.filter(person=person)),
        recovery_codes=RecoveryCode.objects.filter(person=person).count(),
    )


def has_second_factor(person: User) -> bool:
    """Return whether a person has a second factor."""
    return AuthenticatorApp.objects.filter(person=person).exists() or Passkey.objects.filter(person=person).exists()


def who_have_second_factor(people: Collection[User]) -> set[UUID]:
    """Return the ids of those of some people who have a second factor, for a list of them."""
    owners = AuthenticatorApp.objects.filter(person__in=people).values_list("person", flat=True)
    return {*owners, *Passkey.objects.filter(person__in=people).values_list("person", flat=True)}


def administrators_without_second_factor() -> UserQuerySet:
    """Return the active administrators who have no second factor."""
    has_app = Exists(AuthenticatorApp.objects.filter(person=OuterRef("pk")))
    has_passkey = Exists(Passkey.objects.filter(person=OuterRef("pk")))
    return User.objects.administrators().active().exclude(has_app | has_passkey).order_by("company_email")


def is_required(person: User) -> bool:
    """Return whether this person must have a second factor: an administrator, where the company says so."""
    return person.admin_role is not None and Organization.objects.filter(pk=1, second_factor_required=True).exists()


def must_enrol(person: User) -> bool:
    """Return whether this person must have a second factor and has none yet."""
    return is_required(person) and not has_second_factor(person)


def locked_owner(actor: Actor, person: User) -> User:
    """Return the person as stored now, the row locked, if it is she who acts and if her second factor is kept here.

    Everything that changes a person's factors begins so, and therefore comes one after the other.

    Raises:
        PermissionRefused: somebody else acts; nobody sets up or removes another person's factor one by one.
        SecondFactorManagedExternally: her provider signs her in, and the company wants no second factor here.
    """
    if actor.person is None or actor.person.pk != person.pk:
        raise PermissionRefused(role="none", permission="own_second_factor")
    stored = User.objects.select_for_update().filter(pk=person.pk).first()
    if stored is None:
        raise PersonNotFound(identifier=person.company_email)
    provider = factor_owner.of(stored)
    if provider is not None:
        raise SecondFactorManagedExternally(label=stored.label, provider=provider)
    return stored


def enrol(person: User, factor: AuthenticatorApp | Passkey, *, keep_key: str | None) -> Enrolled:
    """Store a factor. The first one brings recovery codes, and ends the sessions that were opened without any.

    Args:
        person: her row is locked.
        factor: an app takes the place of the one that there is.
        keep_key: the key of the session in which she enrols.
    """
    is_first = not has_second_factor(person)
    factor.save()
    if not is_first:
        return Enrolled()
    codes = recovery_codes.replace_codes(person)
    return Enrolled(codes, sessions.end_sessions(person=person, keep_key=keep_key))


@audited("users.second_factor.removed")
def remove_authenticator_app(*, actor: Actor, person: User) -> None:
    """Remove a person's own authenticator app.

    Raises:
        FactorNotFound: there is none.
        SecondFactorNeeded: it is the last factor, and the company requires one.
    """
    person = locked_owner(actor, person)
    _keep_a_needed_factor(person)
    if not AuthenticatorApp.objects.filter(person=person).delete()[0]:
        raise FactorNotFound()
    _forget_codes_without_factor(person)
    record("users.second_factor.removed", actor=actor, target=person, details={"factor": "authenticator app"})
    notices.second_factor_changed(actor=actor, person=person, change="app removed")


@audited("users.second_factor.removed")
def remove_passkey(*, actor: Actor, person: User, key: str) -> str:
    """Remove one of a person's own passkeys, and return its name.

    Args:
        key: its id.

    Raises:
        FactorNotFound: there is none, or it is somebody else's.
        SecondFactorNeeded: it is the last factor, and the company requires one.
    """
    person = locked_owner(actor, person)
    passkey = Passkey.objects.filter(person=person, pk=key).first()
    if passkey is None:
        raise FactorNotFound()
    _keep_a_needed_factor(person)
    passkey.delete()
    _forget_codes_without_factor(person)
    details = {"factor": "passkey", "name": passkey.name}
    record("users.second_factor.removed", actor=actor, target=person, details=details)
    notices.second_factor_changed(actor=actor, person=person, change="passkey removed")
    return passkey.name


def _keep_a_needed_factor(person: User) -> None:
    found = factors_of(person)
    if bool(found.app) + len(found.passkeys) == 1 and is_required(person):
        raise SecondFactorNeeded()


def _forget_codes_without_factor(person: User) -> None:
    if not has_second_factor(person):
        RecoveryCode.objects.filter(person=person).delete()


@audited("users.second_factor.reset")
def reset_second_factor(*, actor: Actor, person: User) -> int:
    """Take all second factors and recovery codes from a person who lost them, and end all of her sessions.

    The help desk does it for people; for administrators it takes the permission to manage administrators.

    Returns:
        How many authenticator apps and passkeys there were.

    Raises:
        PermissionRefused: the role does not cover it.
    """
    stored = User.objects.select_for_update().filter(pk=person.pk).first()
    if stored is None:
        raise PersonNotFound(identifier=person.company_email)
    require(actor, Permission.MANAGE_ADMINISTRATORS if stored.admin_role else Permission.SUPPORT_PEOPLE)
    removed = AuthenticatorApp.objects.filter(person=stored).delete()[0]
    removed += Passkey.objects.filter(person=stored).delete()[0]
    RecoveryCode.objects.filter(person=stored).delete()
    ended = sessions.end_sessions(person=stored)
    lockout.forget_failures(stored.company_email)
    details = {"factors": removed, "sessions_ended": ended}
    record("users.second_factor.reset", actor=actor, target=stored, details=details)
    if removed:
        notices.second_factor_changed(actor=actor, person=stored, change="reset")
    return removed
