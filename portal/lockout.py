"""Counting failures of what is not a sign-in's password, and refusing while an account is locked.

Second factors and confirmations count against the same limits as passwords: five failures, fifteen minutes.
"""

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from users.errors import SignInLocked
from users.models import User


def refuse_if_locked(request: HttpRequest, person: User) -> None:
    """Raise SignInLocked while too many failures are counted against this account or address."""
    if not AxesProxyHandler.is_allowed(request, _credentials(person)):
        raise SignInLocked()


def count_failure(request: HttpRequest, person: User) -> None:
    """Count one more failure against an account and the address of the request."""
    user_login_failed.send(sender=__name__, credentials=_credentials(person), request=request)


def _credentials(person: User) -> dict[str, str]:
    return {"username": person.company_email}
