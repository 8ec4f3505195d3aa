"""Signing in with a password."""

import threading
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

# Each argon2 takes 100 MiB on purpose. Without a limit, as many visitors as there are threads could take it at once.
_hashing = threading.BoundedSemaphore(2)


class PasswordBackend(ModelBackend):
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
