"""What a sign-in notes on the link of a person who has been here before."""

import pytest

from idp.models import FederatedIdentity, IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from tests.factories import make_provider
from users.models import User

pytestmark = pytest.mark.django_db

ADA = "ada@contoso.example"


def test_a_sign_in_is_noted_with_what_the_provider_calls_her_now(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    before = FederatedIdentity.objects.get()
    with tenant.lying(claims={"email": "ada.byron@contoso.example", "name": "Ada Byron"}):
        assert browser_client.federated_sign_in(ADA).status_code == 303
    after = FederatedIdentity.objects.get()
    assert (after.pk, after.person, after.provider) == (before.pk, ada, provider)
    assert (after.email, after.display_name) == ("ada.byron@contoso.example", "Ada Byron")
    assert before.last_sign_in_at is not None and after.last_sign_in_at is not None
    assert after.last_sign_in_at > before.last_sign_in_at


def test_of_two_providers_with_one_issuer_the_link_belongs_to_the_one_in_use(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    browser_client.federated_sign_in(ADA)
    FederatedIdentity.objects.update(provider=make_provider(tenant, active=False, name="The same tenant again"))
    assert browser_client.federated_sign_in(ADA).status_code == 303
    assert FederatedIdentity.objects.get().provider == provider
