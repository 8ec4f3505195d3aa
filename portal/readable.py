"""Reads settings so that one that cannot be read is named in a sentence, with its form and without its value."""

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from portal.log_lines import configuration

NOT_SET = (
    "{name} is not set, neither in the environment nor in .env or the file that ENV_FILE names. "
    "Where there is none yet, `python -m portal.environment` makes a .env with fresh keys."
)
_FORMS = {int: "a whole number", float: "a number"}


class Readable(environ.Env):
    """The environment, whose errors name the setting and never show what stands in it."""

    def get_value(
        self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        """Return a setting.

        Raises:
            ImproperlyConfigured: it is not set and has to be, or it has another form.
        """
        # A value such as $NAME is looked up under that name by the library: the outermost call is the one that names
        # the setting, and nothing of what led to it is shown, since it quotes the value.
        try:
            return super().get_value(var, cast=cast, default=default, parse_default=parse_default)
        except ImproperlyConfigured:
            raise ImproperlyConfigured(NOT_SET.format(name=var)) from None
        except (ValueError, TypeError):
            raise ImproperlyConfigured(f"{var} must be {_FORMS.get(cast, 'of another form')}.") from None


def not_empty(name: str, value: str) -> str:
    """Return a setting that must not be empty; raises ImproperlyConfigured."""
    if not value:
        raise ImproperlyConfigured(NOT_SET.format(name=name))
    return value


def at_least(least: int, name: str, value: int) -> int:
    """Return a number; raises ImproperlyConfigured where it is too small."""
    if value < least:
        raise ImproperlyConfigured(f"{name} must be {least} or more.")
    return value


def web_address(name: str, url: str) -> SplitResult:
    """Return the parts of an address; raises ImproperlyConfigured where it cannot be taken apart."""
    try:
        return urlsplit(url)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be an address such as https://gatehouse.example.com.") from None


def from_url(
    name: str, url: str, read: Callable[[str], dict[str, Any]], schemes: Collection[str], example: str
) -> dict[str, Any]:
    """Return what an address that may hold a password stands for in Django's settings.

    Args:
        read: the function of django-environ. For a scheme that it does not know it logs the password.

    Raises:
        ImproperlyConfigured: it is no such address.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in schemes and parts.port != 0:  # asking for the port raises where it is no number
            return read(url)
    except (ValueError, KeyError, TypeError, AttributeError, ImproperlyConfigured):
        pass
    cure = "Special characters in a password are written as in any address: %40 for @, %2F for /."
    raise ImproperlyConfigured(f"{name} must be an address such as {example}. {cure}")


def logging_of(form: str, level: str) -> dict[str, Any]:
    """Return how log lines are written; raises ImproperlyConfigured where there is no such form or level."""
    try:
        return configuration(form, level, module="portal.logs")
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from None
