"""Signing in with a password."""

from django.contrib.auth.backends import ModelBackend


class PasswordBackend(ModelBackend):
    """Django's password check, for active people, by company email.

    Django's own `authenticate` spends one hash on an unknown email too, so the time tells nothing.
    """
