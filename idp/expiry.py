"""When client secrets and certificates end: who is told, when, and once.

A row of `ExpiryNotice` is the right to send one mail: whoever inserts it, or takes one back that could not be sent,
sends. So two housekeepings at once send one mail, and a mail server that is down costs a mail nothing but time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from idp.credential_errors import MailFailed
from idp.models import ExpiryNotice, IdentityProvider, Slot
from idp.protocol.oauth_errors import TokenEndpointRefused
from users import mails
from users.audit import Actor, new_reference, record
from users.models import AdminRole, User
from users.permissions import ROLE_PERMISSIONS, Permission

THRESHOLDS = (60, 30, 14, 7, 1)
# The threshold of "the provider says so": not counted in days.
SEEN = 0
SECRET_EXPIRED, ASSERTION_REFUSED = 7000222, 700027


@dataclass(frozen=True)
class Expiry:
    """The end of the credential that a provider uses now.

    Attributes:
        noun: what it is called in a sentence: "client secret" or "certificate".
        key: this very credential; another one in its place has another key.
        ends_on: the last day that it is good for, or None where nobody noted it.
        ends_at: the moment after which it is not.
        refused_since: since when the provider says that it has expired, or None.
        is_readable: whether one of ENCRYPTION_KEYS decrypts it.
    """

    provider: IdentityProvider
    noun: str
    key: str
    ends_on: date | None
    ends_at: datetime | None
    refused_since: datetime | None = None
    is_readable: bool = True

    @property
    def days_left(self) -> int | None:
        """The days until it ends; negative once it has."""
        return None if self.ends_on is None else (self.ends_on - timezone.localdate()).days

    @property
    def is_over(self) -> bool:
        """Whether nobody can sign in with it any more, by its date or by the provider's word."""
        return self.refused_since is not None or (self.ends_at is not None and self.ends_at <= timezone.now())

    @property
    def countdown(self) -> str:
        """When, in a word or two: "Expires in 14 days"."""
        left = self.days_left
        if self.is_over or left is None:
            return "Has expired"
        return f"Expires {'today' if left == 0 else 'tomorrow' if left == 1 else f'in {left} days'}"

    @property
    def title(self) -> str:
        """What is the matter, in a few words: "The client secret expires in 14 days"."""
        if not self.is_readable:
            cure = "make another key pair" if self.provider.uses_certificate else "enter it again"
            return f"The {'private key' if self.provider.uses_certificate else self.noun} cannot be read: {cure}"
        return f"The {self.noun} {self.countdown[0].lower()}{self.countdown[1:]}"

    @property
    def needs_attention(self) -> bool:
        """Whether pages warn of it."""
        return not self.is_readable or self.is_over or (self.days_left is not None and self.days_left <= THRESHOLDS[0])

    @property
    def tone(self) -> str:
        """How loudly."""
        is_near = self.is_over or (self.days_left is not None and self.days_left <= 7)
        return "danger" if is_near or not self.is_readable else "warning"

    @property
    def threshold(self) -> int | None:
        """The threshold that is due by the date, which is the nearest: those that were missed are not made up for."""
        left = self.days_left
        return None if left is None else min((days for days in THRESHOLDS if left <= days), default=None)

    def key_at(self, threshold: int) -> str:
        """Return what a notice is about: with another date it is warned of anew, but refused only once."""
        return self.key if threshold == SEEN else f"{self.key}:{self.ends_on}"


def expiry_of(provider: IdentityProvider) -> Expiry:
    """Return the end of what this provider uses now, and since when the provider says that it has expired."""
    return expiries_of([provider])[0]


def expiries_of(providers: Sequence[IdentityProvider]) -> list[Expiry]:
    """Return the same for several providers, with one query for what was seen at sign-ins."""
    seen = ExpiryNotice.objects.filter(provider__in=providers, threshold=SEEN)
    refused = {(each.provider_id, each.subject_key): each.created_at for each in seen}
    dated = [_by_date(provider) for provider in providers]
    return [replace(each, refused_since=refused.get((each.provider.pk, each.key))) for each in dated]


def _by_date(provider: IdentityProvider) -> Expiry:
    if provider.uses_certificate:
        certificate = provider.certificate_in(Slot.CURRENT)
        ends_at = certificate.expires_at if certificate else None
        ends_on = timezone.localdate(ends_at) if ends_at else None
        noun, key = "certificate", f"certificate:{certificate.thumbprint if certificate else ''}"
        secret = certificate.private_key if certificate else None
    else:
        set_at, ends_on = provider.client_secret_set_at, provider.client_secret_expires_on
        ends_at = _end_of(ends_on) if ends_on else None
        noun, key = "client secret", f"secret:{set_at:%Y%m%dT%H%M%S.%f}" if set_at else "secret:"
        secret = provider.client_secret
    return Expiry(provider, noun, key, ends_on, ends_at, is_readable=secret is None or secret.is_readable)


def _end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def recipients() -> list[str]:
    """Return the addresses of the active administrators who may do something about it."""
    roles = [role for role in AdminRole.values if Permission.MANAGE_IDENTITY_PROVIDERS in ROLE_PERMISSIONS[role]]
    people = User.objects.active().filter(admin_role__in=roles).order_by("company_email")
    return list(people.values_list("company_email", flat=True))


def note_refused_credential(provider: IdentityProvider | None, error: Exception) -> None:
    """Tell the administrators, once for each stored credential, that the provider says it has expired.

    Called where a sign-in is refused, whatever the refusal. The person who waits is not held by the mail server: the
    row is written here, and the mail goes out in a thread of its own.

    Args:
        provider: as the sign-in read it, or None where it came to no provider.
        error: the refusal.
    """
    if provider is None or not isinstance(error, TokenEndpointRefused):
        return
    if error.failure.aadsts not in {SECRET_EXPIRED, ASSERTION_REFUSED}:
        return
    refused, current = expiry_of(provider), IdentityProvider.objects.active().filter(pk=provider.pk).first()
    # A sign-in that began with the former secret says nothing about the one that took its place meanwhile.
    if current is None or refused.refused_since or refused.key != _by_date(current).key:
        return
    if error.failure.aadsts == ASSERTION_REFUSED and not refused.is_over:
        return  # Microsoft's number for everything about certificates: this one is wrong, but not too old
    notice = _claim(refused, SEEN)
    if notice is not None:
        mail = _mail(replace(refused, refused_since=notice.created_at), recipients())
        mails.send_in_background(mail, on_failure=lambda: _give_back(notice))


def _claim(expiry: Expiry, threshold: int) -> ExpiryNotice | None:
    """Return the notice whose mail the caller has to send, or None where another has or does."""
    key, now = expiry.key_at(threshold), timezone.now()
    known = ExpiryNotice.objects.filter(provider=expiry.provider, subject_key=key, threshold=threshold)
    notice = known.first()
    if notice is None:
        try:
            with transaction.atomic():
                notice = ExpiryNotice.objects.create(
                    provider=expiry.provider, subject_key=key, threshold=threshold, sent_at=now
                )
                _record(expiry, threshold)
        except IntegrityError:
            return None
        return notice
    # One whose mail could not be sent: the update is the claim.
    return notice if known.filter(sent_at=None).update(sent_at=now) else None


def _give_back(notice: ExpiryNotice) -> None:
    """Leave the mail to the next housekeeping."""
    ExpiryNotice.objects.filter(pk=notice.pk).update(sent_at=None)


def _record(expiry: Expiry, threshold: int) -> None:
    """Note in the audit log that the administrators are told."""
    actor = Actor(person=None, label="Gatehouse", request_id=new_reference())
    details = {"credential": expiry.noun, "ends_on": expiry.ends_on, "days_left": expiry.days_left}
    action = "idp.provider.credential_refused" if threshold == SEEN else "idp.provider.expiry_noticed"
    record(action, actor=actor, target=expiry.provider, details=details)


def due() -> Iterator[tuple[Expiry, int]]:
    """Yield what mails are about: of each active provider the nearest threshold, and the provider's own word."""
    for expiry in expiries_of(list(IdentityProvider.objects.active().prefetch_related("certificates"))):
        if expiry.refused_since is not None:
            yield expiry, SEEN
        elif expiry.threshold is not None:
            yield expiry, expiry.threshold


def send_due() -> int:
    """Send the mails that are due and were not sent, and return how many there were.

    Raises:
        MailFailed: at least one could not be sent; the next call tries again.
    """
    to = recipients()
    if not to:
        return 0
    sent = 0
    failures: list[Exception] = []
    for expiry, threshold in due():
        notice = _claim(expiry, threshold)
        if notice is None:
            continue
        try:
            mails.send(_mail(expiry, to))
        except mails.FAILURES as error:
            _give_back(notice)
            failures.append(error)
        except BaseException:  # also where the process is told to end in the middle of it
            _give_back(notice)
            raise
        else:
            sent += 1
    if failures:
        raise MailFailed(failed=len(failures), mails=sent + len(failures), reason=mails.reason_of(failures[0]))
    return sent


def _mail(expiry: Expiry, to: list[str]) -> EmailMultiAlternatives:
    """Return the mail about the end of a credential; it holds no secret."""
    path = reverse("admin_portal:identity_provider_credentials", args=[expiry.provider.pk])
    context = {
        "expiry": expiry,
        "provider": expiry.provider,
        "days": expiry.days_left,
        "people": User.objects.active().without_role().count(),
        "url": f"{settings.PUBLIC_URL}{path}",
    }
    subject = f"{expiry.provider.name}: {expiry.title[0].lower()}{expiry.title[1:]}"
    return mails.compose("credential_expiry", subject, context, to)
