"""How django-axes counts failures here: by account, and by address with a larger allowance.

A guess counts from before it is looked at until it turns out to be right. Of many guesses that come in the same moment
as many are looked at as of as many that come one after another.
"""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Sum
from django.http import HttpRequest
from django.utils import timezone

from users.locks import lock_name
from users.models import AuditEvent, User

COOL_OFF = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=30)
# Stands in the place of a path, which begins with a slash.
_UNDER_WAY = "guess under way"


def cool_off(request: HttpRequest | None = None) -> timedelta:
    """Return how long an account or address stays locked after the last counted failure."""
    return COOL_OFF


def account_of(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str | None:
    """Return the account that a sign-in is about in its one normal form, so that case gives no further tries."""
    username = (credentials or {}).get("username")
    return str(username).strip().lower()[:254] if username else None


def address_of(request: HttpRequest) -> str | None:
    """Return the address to count by: of IPv6 the /64, because whoever has one address there has all of them."""
    return network_of(request.META.get("REMOTE_ADDR"))


def network_of(address: str | None) -> str | None:
    """Return what an address is counted by. One of IPv4 in the clothes of IPv6 is one of IPv4: all of them are in one
    /64.
    """
    if not address or ":" not in address:
        return address or None
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)


def forget_failures(account: str) -> int:
    """Unlock an account, and return how many failures were counted against it."""
    attempts = AccessAttempt.objects.filter(username=account)
    failures = attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
    attempts.delete()
    return int(failures)


@dataclass(frozen=True)
class Lockout:
    """What failed sign-ins did to an account.

    Attributes:
        failures: how many are counted now.
        until: until when the account is locked; None where it is not.
    """

    failures: int
    until: datetime | None


def lockout_of(person: User) -> Lockout:
    """Return the failed sign-ins that count against a person now, and until when they lock her out.

    An address from which she signed in lately is let in all the same, as long as the failures came from elsewhere.
    """
    return lockouts_of([person.company_email]).get(person.company_email, Lockout(0, None))


def lockouts_of(accounts: Iterable[str]) -> dict[str, Lockout]:
    """Return the same by company email, for those of these accounts that have failures, with one query."""
    counted = AccessAttempt.objects.filter(username__in=list(accounts), attempt_time__gt=timezone.now() - COOL_OFF)
    totals = counted.values("username").annotate(total=Sum("failures_since_start"), last=Max("attempt_time")).order_by()
    limit = settings.AXES_FAILURE_LIMIT
    return {
        str(row["username"]): Lockout(int(row["total"]), row["last"] + COOL_OFF if row["total"] >= limit else None)
        for row in totals
    }


@dataclass
class Guess:
    """A look at somebody's password or second factor. While it is under way, django-axes itself counts nothing.

    Attributes:
        key: of the row that counts it; None where so many are counted, or under way, that it must not be looked at.
    """

    key: int | None

    @property
    def is_one_too_many(self) -> bool:
        """Whether it must not be looked at."""
        return self.key is None


class LockoutHandler(AxesDatabaseHandler):
    """Counts password sign-ins only: a federated one has no password that could be guessed here."""

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Return whether this sign-in may be tried. A locked address still signs in at its provider."""
        if account_of(request, credentials) is None or hasattr(request, "guess"):
            return True
        return bool(super().is_allowed(request, credentials))

    def begin_guess(self, request: HttpRequest, account: str) -> Guess:
        """Count a guess before it is looked at.

        One at a time for each account, so that of many at once exactly the first ones are looked at. Guesses that are
        under way do not count against their address: on Monday at nine everybody signs in from the same one.
        """
        credentials = {"username": account}
        self.clean_expired_user_attempts(request, credentials)
        limit = settings.AXES_FAILURE_LIMIT
        with transaction.atomic():
            lock_name(f"guess at {account_of(request, credentials)}")
            by_account, _ = self._counted(request, credentials, allowed=limit - 1)
            guess = Guess(None if by_account >= limit else self._begin(request, credentials))
        request.guess = guess  # type: ignore[attr-defined]
        return guess

    def _begin(self, request: HttpRequest, credentials: dict[str, Any]) -> int:
        """Write down that a guess is under way, and return the key of its row."""
        attempt = AccessAttempt.objects.create(
            username=account_of(request, credentials),
            ip_address=address_of(request),
            user_agent=f"\n{secrets.token_hex(16)}",  # unique, and none that a browser could send
            path_info=_UNDER_WAY,
            failures_since_start=1,
        )
        return int(attempt.pk)

    @transaction.atomic
    def fail_guess(self, request: HttpRequest, account: str, guess: Guess) -> None:
        """Count a guess as a failure from now on: at no moment twice, which would refuse others too early."""
        self.count_failure(request, account)
        self.end_guess(request, guess)

    def end_guess(self, request: HttpRequest, guess: Guess) -> None:
        """Count a guess no longer as one that is under way."""
        if guess.key is not None:
            AccessAttempt.objects.filter(pk=guess.key).delete()
        request.__dict__.pop("guess", None)

    def count_failure(self, request: HttpRequest, account: str) -> None:
        """Count a failure. Not as django-axes does it, which would store whatever was posted along with it."""
        self.clean_expired_user_attempts(request, {"username": account})
        key = {
            "username": account_of(request, {"username": account}),
            "ip_address": address_of(request),
            "user_agent": request.headers.get("User-Agent", "").replace("\0", "")[:255],
        }
        known = {"path_info": request.path_info.replace("\0", "")[:255]}
        attempt, is_first = AccessAttempt.objects.get_or_create(**key, defaults={**known, "failures_since_start": 1})
        if is_first:
            return
        one_more = {"failures_since_start": F("failures_since_start") + 1, "attempt_time": timezone.now()}
        if not AccessAttempt.objects.filter(pk=attempt.pk).update(**one_more):
            # Somebody unlocked the account in the same moment.
            AccessAttempt.objects.get_or_create(**key, defaults={**known, "failures_since_start": 1})

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """Count a failed password, unless it is a guess that is under way: whoever began that counts it."""
        account = account_of(request, credentials)
        if account is not None and request is not None and not hasattr(request, "guess"):
            self.count_failure(request, account)

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Forget the failures of an account whose password was right, but not those of its address.

        Otherwise whoever owns one account could reset the address's count between guesses at other accounts.
        """
        if getattr(user, "backend", "").startswith("users."):
            forget_failures(user.get_username())

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures in units of the account's limit.

        An address may fail more often before it locks. Where an account signed in lately from this very address, only
        failures from here count against it: a stranger's guesses must not keep an administrator out of her own office.
        """
        by_account, by_address = self._counted(request, credentials, allowed=settings.AXES_FAILURE_LIMIT - 1)
        scaled = by_address * settings.AXES_FAILURE_LIMIT // settings.AXES_ADDRESS_FAILURE_LIMIT
        return int(max(by_account, scaled))

    def _counted(self, request: HttpRequest, credentials: dict[str, Any] | None, *, allowed: int) -> tuple[int, int]:
        """Return the failures that count against the account, if more than are allowed, and against the address."""
        attempts_of_account, attempts_at_address = self.get_user_attempts(request, credentials)
        by_account = _failures(attempts_of_account)
        if by_account > allowed and _signed_in_here(request, account_of(request, credentials)):
            by_account = _failures(attempts_of_account.filter(ip_address=address_of(request)))
        return by_account, _failures(attempts_at_address.exclude(path_info=_UNDER_WAY))


def _failures(attempts: Any) -> int:
    return int(attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0)


def _signed_in_here(request: HttpRequest, account: str | None) -> bool:
    """Return whether the account's password was right at this address within the last 30 days."""
    return AuditEvent.objects.filter(
        client_ip=request.META.get("REMOTE_ADDR") or None,
        action__in=("admin_portal.sign_in.succeeded", "portal.sign_in.succeeded"),
        at__gte=timezone.now() - KNOWN_FOR,
        details__account=account,
    ).exists()
