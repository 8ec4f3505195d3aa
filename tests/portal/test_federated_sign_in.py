"""The federated sign-in, from the company email to the home page."""

from idp.models import IdentityProvider
from tests.browsing import Browser
from tests.entra_tenant import PracticeTenant
from users.models import User


def test_it_signs_a_person_in_through_the_provider(
    tenant: PracticeTenant, provider: IdentityProvider, ada: User, browser_client: Browser
) -> None:
    response = browser_client.federated_sign_in()
    assert (response.status_code, response["Location"]) == (303, "/")
    home = browser_client.get("/").content.decode()
    assert "Ada Lovelace" in home
    assert "Contoso Entra" in home
