"""How django-axes counts failures here: by account, and by address with a larger allowance."""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

COOL_OFF = timedelta(minutes=15)


def cool_off(request: HttpRequest | None = None) -> timedelta:
    """Return how long an account or address stays locked after the last counted failure."""
    return COOL_OFF


def account_of(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str | None:
    """Return the account that a sign-in is about in its one normal form, so that case gives no further tries."""
    username = (credentials or {}).get("username")
    return str(username).strip().lower()[:254] if username else None


class LockoutHandler(AxesDatabaseHandler):
    """Counts password sign-ins only: a federated one has no password that could be guessed here."""

    def is_allowed(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Return whether this sign-in may be tried. A locked address still signs in at its provider."""
        if account_of(request, credentials) is None:
            return True
        return bool(super().is_allowed(request, credentials))

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> None:
        """Count a failed password."""
        if account_of(request, credentials) is not None:
            super().user_login_failed(sender, credentials, request, **kwargs)

    def user_logged_in(self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        """Forget the failures of an account whose password was right, but not those of its address.

        Otherwise whoever owns one account could reset the address's count between guesses at other accounts.
        """
        if getattr(user, "backend", "").startswith("users."):
            AccessAttempt.objects.filter(username=user.get_username()).delete()

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures in units of the account's limit: an address may fail more often before it locks."""
        by_account, by_address = (
            attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        scaled = by_address * settings.AXES_FAILURE_LIMIT // settings.AXES_ADDRESS_FAILURE_LIMIT
        return int(max(by_account, scaled))
