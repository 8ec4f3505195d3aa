"""People, administrators and providers for tests, made through the services."""

from itertools import count
from typing import Any

from idp import activation, services
from idp.models import IdentityProvider
from tests.entra_tenant import PracticeTenant
from users.administrators import add_administrator
from users.audit import Actor
from users.models import AdminRole, State, User
from users.services import add_person

PASSWORD = "an-umbrella-for-the-gate-4711"
OPERATOR = Actor(person=None, label="operator (tests)", is_operator=True)
_numbers = count(1)


def make_person(email: str = "", *, state: State = State.ACTIVE, password: str | None = None, **fields: str) -> User:
    """Return a stored person; active and without a password unless told otherwise."""
    number = next(_numbers)
    return add_person(
        actor=OPERATOR,
        company_email=email or f"person-{number}@contoso.example",
        display_name=fields.pop("display_name", f"Person {number}"),
        state=state,
        password=password,
        **fields,
    )


def make_administrator(role: AdminRole = AdminRole.ADMINISTRATOR_WITH_BILLING, email: str = "") -> User:
    """Return a stored administrator whose password is PASSWORD."""
    number = next(_numbers)
    email = email or f"admin-{number}@contoso.example"
    return add_administrator(
        actor=OPERATOR, company_email=email, role=role, password=PASSWORD, display_name=f"Administrator {number}"
    )


def provider_input(tenant: PracticeTenant, **changes: Any) -> services.ProviderInput:
    """Return what an administrator would paste for a practice tenant."""
    url = tenant.idp_url if tenant.flavour == "entra" else tenant.issuer
    values = {
        "name": "Contoso Entra",
        "url": url,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }
    return services.ProviderInput(**{**values, **changes})


def make_provider(tenant: PracticeTenant, *, active: bool = True, **changes: Any) -> IdentityProvider:
    """Return a stored provider for a practice tenant. Needs an administrator with billing where it is activated."""
    kind = changes.pop("kind", "entra" if tenant.flavour == "entra" else "oidc")
    provider = services.add_provider(actor=OPERATOR, kind=kind, given=provider_input(tenant, **changes))
    if active:
        activation.activate_provider(actor=OPERATOR, provider=provider, understood=True, fingerprint=None)
        provider.refresh_from_db()
    return provider
