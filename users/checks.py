"""System checks of what every installation sets."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def rate_limit_factor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Nought or less would refuse everybody."""
    if settings.RATE_LIMIT_FACTOR > 0:
        return []
    hint = "Set it to 1, or to more where very many people sign in from behind one address."
    return [Error("RATE_LIMIT_FACTOR is not above nought.", hint=hint, id="users.E001")]
