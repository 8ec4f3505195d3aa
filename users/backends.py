"""Signing in with a password."""

import threading
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from users.log_context import note
from users.models import User
from users.plain_sql import stored

# Each argon2 takes 100 MiB on purpose. Without a limit, as many visitors as there are threads could take it at once.
_hashing = threading.BoundedSemaphore(2)


class SessionBackend(ModelBackend):
    """Django's, but reads the person of a session as plain SQL: every page does (docs/performance.md)."""

    def get_user(self, user_id: object) -> User | None:
        """Return the person of a session, or None if she may not sign in any more."""
        for person in User.objects.raw("SELECT * FROM users_user WHERE id = %s", [stored(User, "id", user_id)]):
            note(person=str(person.pk))
            return person if self.user_can_authenticate(person) else None
        return None


class PasswordBackend(SessionBackend):
    """Django's password check, for active people, by company email.

    Django's own `authenticate` spends one hash on an unknown email too, so the time tells nothing.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        """Return the person whose password it is, one after the other under load."""
        if username is None or password is None:
            return None
        with _hashing:
            return super().authenticate(request, username=username, password=password, **kwargs)


def fits(person: User, password: str) -> bool:
    """Return whether this is the person's password, for somebody who is signed in already. One hash at a time, too."""
    with _hashing:
        return person.check_password(password)
