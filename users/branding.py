"""What pages show of the company: its name, its logo, and whom to ask for help.

Nearly every page asks, also the ones that nobody is signed in to, and a sign-in has no statement to spare. So each
process keeps what it read for CACHED_FOR seconds, on its own clock. The process that changes something forgets at
once; others show the former name for so long at most. Nothing that decides who may do what is read from here: limits
and states of new people are always read afresh.

No page fails because of it: where the database does not answer, what was known last is shown, or nothing.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, transaction

from users.models import Organization, OrganizationLogo

CACHED_FOR = 10.0  # seconds
ADDRESS_LENGTH = 16  # of the SHA-256, in the logo's address


@dataclass(frozen=True)
class Branding:
    """What is shown of the company; each text is "" where nobody has set it.

    Attributes:
        logo_address: the beginning of the logo's SHA-256, "" without a logo.
        logo_width, logo_height: in pixels.
    """

    name: str = ""
    support_email: str = ""
    support_url: str = ""
    support_phone: str = ""
    support_note: str = ""
    logo_address: str = ""
    logo_width: int = 0
    logo_height: int = 0

    @property
    def has_support(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self.support_email or self.support_url or self.support_phone or self.support_note)

    @property
    def support_host(self) -> str:
        """Where the support page is, short enough to read."""
        return urlsplit(self.support_url).hostname or ""


_SHOWN = ("name", "support_email", "support_url", "support_phone", "support_note")
_known = Branding()
_good_until = 0.0


def current() -> Branding:
    """Return what to show, at most CACHED_FOR seconds old. Never fails."""
    global _known, _good_until
    if time.monotonic() >= _good_until:
        with suppress(Error):
            _known = _read()
            _good_until = time.monotonic() + CACHED_FOR
    return _known


def fresh() -> Branding:
    """Return what to show as it is stored now: for the page that changes it, which any process may answer."""
    _forget()
    return current()


def known() -> Branding:
    """Return what this process knew last, without asking anybody: for pages that must not need the database."""
    return _known


def forget() -> None:
    """Read afresh from now on, and once more from the moment that this transaction is over."""
    _forget()
    transaction.on_commit(_forget)


def forget_all() -> None:
    """Know nothing any more, as a process that has just started."""
    global _known
    _known = Branding()
    _forget()


def _forget() -> None:
    global _good_until
    _good_until = 0.0


def _read() -> Branding:
    texts = Organization.objects.filter(pk=1).values(*_SHOWN).first() or {}
    logo = OrganizationLogo.objects.filter(pk=1).values_list("sha256", "width", "height").first()
    if logo is None:
        return Branding(**texts)
    sha256, width, height = logo
    return Branding(**texts, logo_address=sha256[:ADDRESS_LENGTH], logo_width=width, logo_height=height)


def sender() -> str:
    """Return the From line of a mail: the company's name beside ours, unless the operator chose a name (MAIL_FROM)."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    company = current().name
    if company and name == "Gatehouse":
        return formataddr((f"{company} (Gatehouse)", address))
    return str(settings.DEFAULT_FROM_EMAIL)
