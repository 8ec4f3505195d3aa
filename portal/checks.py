"""System checks of an installation: what must be true of its settings before real people use it.

Those of federation are in `idp/checks.py`, and Django has its own. `manage.py check --deploy` asks them all.
"""

import base64
import binascii
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from portal.proxies import TrustedProxies

# What stands in examples and tests, in lower case. Random text does not hold words this long.
_PUBLISHED = ("only-for-tests", "django-insecure", "changeme", "change-me", "your-secret", "secret-key", "example-key")
# Hexadecimal text has 16 different characters; drawn by chance and this long it uses more than 10 of them.
_SHORTEST, _FEWEST_CHARACTERS = 50, 10
_SIGNING_HINT = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(50))"; it signs everybody out.'
# TimeoutStopSec and stop_grace_period in deploy/ without the graceful_timeout of portal/serving.py, and some.
_LONGEST_DRAIN = 40
_PROXIES_HINT = "List the proxy's address or network, such as 127.0.0.1 or 10.0.0.0/24, or the word unix."


@register(Tags.security, deploy=True)
def secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whoever knows or guesses SECRET_KEY can forge what is signed with it."""
    key = settings.SECRET_KEY
    if any(word in key.lower() for word in _PUBLISHED):
        return [Error("SECRET_KEY is one of an example or of the tests.", hint=_SIGNING_HINT, id="portal.E001")]
    if len(key) < _SHORTEST or len(set(key)) < _FEWEST_CHARACTERS:
        return [Error("SECRET_KEY is short or monotonous.", hint=_SIGNING_HINT, id="portal.E002")]
    if key in settings.ENCRYPTION_KEYS:
        return [Error("SECRET_KEY is one of ENCRYPTION_KEYS.", hint=_SIGNING_HINT, id="portal.E003")]
    return []


@register(Tags.security, deploy=True)
def typed_encryption_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A key that was typed and not drawn can be guessed; those of the tests are of that sort."""
    hint = "Make one with `manage.py keys generate`, put it first, restart, and run `manage.py keys rotate`."
    return [
        Error(f"Key {number} of ENCRYPTION_KEYS was not made by chance.", hint=hint, id="portal.E004")
        for number, key in enumerate(settings.ENCRYPTION_KEYS, start=1)
        if _is_typed(key)
    ]


def _is_typed(key: str) -> bool:
    try:
        drawn = base64.urlsafe_b64decode(key)
    except (binascii.Error, ValueError):
        return False  # no key at all: idp.E002
    return drawn.isascii() or len(set(drawn)) < len(drawn) // 2


@register(Tags.security, deploy=True)
def debug(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Pages of defects show settings and variables to visitors while DEBUG is on."""
    hint = "Remove DEBUG from the environment; the log has the traces of defects."
    return [Error("DEBUG is on.", hint=hint, id="portal.E005")] if settings.DEBUG else []


@register(Tags.security, deploy=True)
def allowed_hosts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Only hosts by name, and that of PUBLIC_URL among them."""
    found: list[CheckMessage] = []
    hint = "List the names by which people and health checks reach Gatehouse, such as gatehouse.example.com."
    if any(host.startswith(("*", ".")) for host in settings.ALLOWED_HOSTS):
        found.append(Error("ALLOWED_HOSTS has a wildcard.", hint=hint, id="portal.E006"))
    public = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not found and public not in [host.lower().strip("[]") for host in settings.ALLOWED_HOSTS]:
        found.append(Error(f"ALLOWED_HOSTS lacks {public!r}, the host of PUBLIC_URL.", hint=hint, id="portal.E007"))
    return found


@register(Tags.security)
def public_url(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Redirect URIs and links begin with PUBLIC_URL, so it is an origin and nothing more."""
    try:
        parts = urlsplit(settings.PUBLIC_URL)
        is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_origin = False
    if is_origin and "@" not in parts.netloc and not (parts.path or parts.query or parts.fragment):
        return []
    hint = "Give scheme and host, and a port where there is one, such as https://gatehouse.example.com."
    return [Error("PUBLIC_URL is no origin.", hint=hint, id="portal.E008")]


@register(Tags.security)
def trusted_proxies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What is no address, or is everybody, is no proxy."""
    try:
        TrustedProxies.read(settings.TRUSTED_PROXIES)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=_PROXIES_HINT, id="portal.E009")]
    return []


@register(Tags.security, deploy=True)
def no_proxies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The server speaks plain http, so https is spoken by a proxy, and that one must be believed."""
    if not settings.IS_HTTPS or settings.TRUSTED_PROXIES:
        return []
    text = "PUBLIC_URL is https and TRUSTED_PROXIES is empty: every page would redirect to https again and again."
    return [Warning(text, hint=_PROXIES_HINT, id="portal.W001")]


@register(Tags.security, deploy=True)
def drain_seconds(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What comes before the end of a server must fit into the time that the supervisor gives it."""
    if settings.DRAIN_SECONDS <= _LONGEST_DRAIN:
        return []
    text = f"DRAIN_SECONDS is above {_LONGEST_DRAIN}: the server may be killed before requests under way have ended."
    hint = "The unit and the compose file in deploy/ kill it 75 s after SIGTERM, and 30 s of those are for requests."
    return [Warning(text, hint=hint, id="portal.W002")]


@register(Tags.security, deploy=True)
def files_of_others(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The keys and an embedded database are not for every account of the machine."""
    files = {"The file of the settings": Path(settings.ENV_PATH)}
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and database["NAME"]:
        files["The database"] = Path(str(database["NAME"]))
    hint = "Take the right away: chmod o-rwx {path}"
    return [
        Error(f"{name} is open to every account of this machine.", hint=hint.format(path=path), id="portal.E010")
        for name, path in files.items()
        if _is_open(path)
    ]


def _is_open(path: Path) -> bool:
    """Return whether other accounts can get at a file: by its own mode, and through its folder."""
    try:
        mode, folder = path.stat().st_mode, path.resolve().parent.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IROTH | stat.S_IWOTH)) and bool(folder & stat.S_IXOTH)
