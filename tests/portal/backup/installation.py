"""An installation with something in every corner: people, links, factors, policies, a logo, open links, sessions."""

from dataclasses import dataclass

from django.utils import timezone

from idp import certificates, claim_rules, credentials
from idp.models import IdentityProvider, PendingLink
from tests.browsing import Browser
from tests.commands.running import run
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_administrator, make_person, make_provider
from tests.mailbox import link_in, newest_mail
from tests.second_factors import App, give_app
from tests.users.support import as_person
from users.audit_filter import AuditFilter
from users.models import OrganizationLogo, Passkey, State, User
from users.saved_filters import save_filter

UNDERSTOOD = "--i-understand-the-impacts"


@dataclass
class Installation:
    """What a test needs to know of it.

    Attributes:
        invitation: the address of a link that nobody has used.
        browser: in which Ada is signed in.
    """

    administrator: User
    ada: User
    local: User
    provider: IdentityProvider
    app: App
    invitation: str
    browser: Browser


def install(tenant: PracticeTenant) -> Installation:
    """Fill the database at hand, by services, commands and sign-ins."""
    administrator = make_administrator(email="grace@contoso.example")
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace", external_id="")
    local = make_person("local@contoso.example", display_name="Łukasz “Lokal” Müller 🗝", password=PASSWORD)
    provider = _provider(tenant)
    _policies(provider)
    app = give_app(local)
    browser = Browser()
    browser.federated_sign_in()
    assert browser.is_signed_in
    Browser().sign_in_with_password(local, "a wrong one")
    _rows(administrator, ada, provider)
    make_person("new@contoso.example", state=State.STAGED)
    assert run("users", "invite", "new@contoso.example").status == 0
    invitation = link_in(newest_mail("new@contoso.example"))
    return Installation(administrator, ada, local, provider, app, invitation, browser)


def _provider(tenant: PracticeTenant) -> IdentityProvider:
    provider = make_provider(tenant, active=False)
    assert run("groups", "add", "Pilot").status == 0
    assert run("groups", "add-members", "Pilot", "ada@contoso.example").status == 0
    assert run("idp", "activate", "entra", "--group", "Pilot", UNDERSTOOD).status == 0
    provider.refresh_from_db()
    credentials.add_next_secret(actor=OPERATOR, provider=provider, client_secret=tenant.add_secret())
    certificates.make_next_certificate(actor=OPERATOR, provider=provider)
    claim_rules.map_claim(actor=OPERATOR, provider=provider, field="department", claim="department")
    return provider


def _policies(provider: IdentityProvider) -> None:
    assert run("groups", "add", "Sales").status == 0
    assert run("groups", "add-members", "Sales", "local@contoso.example").status == 0
    policy = ("--name", "Office hours", "--action", "deny", "--group", "Sales", "--not-within", "00:00-23:59")
    assert run("access", "add-policy", *policy, "--time-zone", "Europe/Berlin", UNDERSTOOD).status == 0
    assert run("access", "disable-policy", "Office hours", UNDERSTOOD).status == 0
    assert run("organization", "set", "--name", "Contoso").status == 0


def _rows(administrator: User, ada: User, provider: IdentityProvider) -> None:
    """Add what comes from a browser alone."""
    save_filter(actor=as_person(administrator), name="Refusals", wanted=AuditFilter.of({"outcome": "refused"}))
    PendingLink.objects.create(
        provider=provider, issuer="x", subject="y", reason="federation.no_match", facts={"a": [1.5]}
    )
    OrganizationLogo.objects.create(data=bytes(range(256)), sha256="ab" * 32, width=1, height=2)
    Passkey.objects.create(
        person=ada,
        name="Key",
        credential_id="abc",
        public_key=b"\x00\xff\n",
        transports=["usb"],
        created_at=timezone.now(),
    )
