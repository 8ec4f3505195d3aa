"""Tracebacks without secrets: frames and types stay, and the texts of exceptions are cleaned.

The database quotes the value that it does not take, a missing key is named, a parser shows where it stopped: the text
of an exception may hold whatever the request held.
"""

import re
import traceback
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote

from django.conf import settings
from django.http import HttpRequest

from idp.protocol.redaction import MASK, clean

# A six-digit code is the shortest secret.
_SHORTEST = 6
# Of a long list that somebody pasted the beginning will do.
_LONGEST = 4096
_CREDENTIALS_IN_URL = re.compile(r"://[^/\s@]*@")
_PASSWORD_IN_URL = re.compile(r"://[^/:@\s]*:([^/\s]+)@")
_DEEPEST = 10


def scrubbed_traceback(error: BaseException, secrets: Iterable[str]) -> str:
    """Return the traceback of an exception and of what led to it, the cause first. No local values.

    Args:
        secrets: what the request held. What the settings hold, and whatever looks like a token, goes as well.
    """
    hidden = [*secrets, *_own_secrets()]
    parts: list[str] = []
    following: BaseException | None = error
    while following is not None and len(parts) < _DEEPEST:
        frames = "".join(traceback.format_tb(following.__traceback__))
        kind = type(following)
        text = _CREDENTIALS_IN_URL.sub(f"://{MASK}@", clean(str(following), hidden))
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        parts.append(f"Traceback (most recent call last):\n{frames}{name}: {text}")
        suppressed = following.__suppress_context__
        following = following.__cause__ or (None if suppressed else following.__context__)
    return "\n\nThen:\n\n".join(reversed(parts))


def secrets_of(request: HttpRequest) -> list[str]:
    """Return whatever came with a request: what was typed, cookies, query, and the words in the address."""
    form = getattr(request, "_post", None)  # only if it was read already: reading can fail
    query = _query_of(request)
    values = [value for _, value in parse_qsl(query)]
    values += [field.partition("=")[2] for field in query.split("&")]  # as it came: so an address quotes it
    values += [value for _, given in form.lists() for value in given] if form is not None else []
    values += request.COOKIES.values()
    match = request.resolver_match
    values += [str(value) for value in match.kwargs.values()] if match else request.path_info.split("/")
    values.append(request.META.get("HTTP_AUTHORIZATION", ""))
    return [value[:_LONGEST] for value in values if len(value) >= _SHORTEST]


def _query_of(request: HttpRequest) -> str:
    """Return the query as text. Not `request.GET`: Django refuses one of many fields, and the trace would be lost.

    The server limits the line (portal/serving.py), and with it what there is to look for.
    """
    return str(request.META.get("QUERY_STRING", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _own_secrets() -> list[str]:
    database = settings.DATABASES["default"]
    own = [settings.SECRET_KEY, *settings.ENCRYPTION_KEYS, settings.METRICS_TOKEN]
    own += [str(database.get("PASSWORD") or ""), settings.EMAIL_HOST_PASSWORD, *_of_the_cache()]
    return [value for value in own if value]


def _of_the_cache() -> list[str]:
    """Return the password in CACHE_URL, which Django keeps in the address; as it stands there and as it is meant."""
    places = settings.CACHES["default"].get("LOCATION") or ""
    addresses = [str(place) for place in ([places] if isinstance(places, str) else places)]
    held = [match[1] for match in map(_PASSWORD_IN_URL.search, addresses) if match]
    return [*held, *map(unquote, held)]
