"""System checks of federation: what must be true before real people sign in."""

from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def encryption_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every key in ENCRYPTION_KEYS must be one, and there must be one."""
    hint = "Make one with `manage.py keys generate`, and keep it apart from SECRET_KEY."
    if not settings.ENCRYPTION_KEYS:
        return [Error("ENCRYPTION_KEYS is empty.", hint=hint, id="idp.E001")]
    for number, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            return [Error(f"Key {number} of ENCRYPTION_KEYS is not a key.", hint=hint, id="idp.E002")]
        if key in settings.ENCRYPTION_KEYS[: number - 1]:
            return [Error(f"Key {number} of ENCRYPTION_KEYS is there twice.", hint=hint, id="idp.E005")]
    return []


@register(Tags.security, deploy=True)
def insecure_issuer_origins(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Practice origins have no place in production: whoever controls the network there controls every sign-in."""
    if not settings.INSECURE_ISSUER_ORIGINS:
        return []
    hint = "Remove INSECURE_ISSUER_ORIGINS from the environment; it is for practice and tests."
    return [Error("INSECURE_ISSUER_ORIGINS is set.", hint=hint, id="idp.E003")]


@register(Tags.security, deploy=True)
def public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Redirect URIs and cookies need https."""
    if settings.IS_HTTPS:
        return []
    hint = "Set PUBLIC_URL to the https address that people use, such as https://gatehouse.example.com."
    return [Error("PUBLIC_URL is not https.", hint=hint, id="idp.E004")]
