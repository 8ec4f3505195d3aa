"""People with second factors, for tests: through the services, and through the pages."""

import re
from dataclasses import dataclass
from html import unescape

import pyotp
from django.http import HttpResponse
from django.utils import timezone

from tests.browsing import Browser
from tests.soft_authenticator import SoftAuthenticator
from tests.users.support import as_person
from users.models import AuthenticatorApp, User
from users.second_factor import add_authenticator_app, new_seed

ACCOUNT = {"admin": "/admin/account/second-factor/", "user": "/security/second-factor/"}


@dataclass
class App:
    """An authenticator app, with the recovery codes that came with it."""

    seed: str
    recovery_codes: tuple[str, ...] = ()

    def code(self, steps: int = 0) -> str:
        """Return what it shows now, or some steps of 30 seconds later."""
        return pyotp.TOTP(self.seed).at(timezone.now(), counter_offset=steps)


def give_app(person: User) -> App:
    """Set an authenticator app up whose present code was not used yet."""
    seed = new_seed()
    app = App(seed.reveal())
    done = add_authenticator_app(actor=as_person(person), person=person, seed=seed, code=app.code())
    AuthenticatorApp.objects.filter(person=person).update(last_counter=0)
    return App(app.seed, done.recovery_codes)


def seed_on(page: HttpResponse) -> str:
    """Return the seed that a page shows to be typed."""
    return page.content.decode().split("data-copy-value>")[1].split("<")[0].replace(" ", "").strip()


def options_on(page: HttpResponse) -> str:
    """Return what a page asks the browser's passkeys."""
    text = page.content.decode()
    assert 'data-options="' in text, text[-3000:]
    return unescape(text.split('data-options="')[1].split('"')[0])


def codes_on(page: HttpResponse) -> list[str]:
    """Return the recovery codes that a page shows."""
    return re.findall(r"<li>\s*<code[^>]*>([^<]+)</code>", page.content.decode())


def give_passkey(
    browser: Browser, *, portal: str = "admin", counts: bool = True, name: str = "Key"
) -> SoftAuthenticator:
    """Add a passkey to the person who is signed in."""
    authenticator = SoftAuthenticator(counts=counts)
    url = f"{ACCOUNT[portal]}passkeys/add/"
    answer = browser.post(url, {"name": name, "passkey": authenticator.register(options_on(browser.get(url)))})
    assert answer.status_code in {200, 302}, answer.content.decode()
    return authenticator
