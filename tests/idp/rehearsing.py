"""Rehearsing sign-ins, for tests."""

from idp.models import FederatedIdentity, IdentityProvider, Rehearsal
from tests.browsing import Browser
from users.models import User

PROVIDERS = "/admin/directory-integrations/identity-providers/"
ADA = "ada@contoso.example"


def begin(browser: Browser, provider: IdentityProvider) -> str:
    """Press Rehearse a sign-in, and return where it leads."""
    response = browser.post(f"{PROVIDERS}{provider.pk}/rehearse/")
    assert response.status_code == 303, response.content
    return response["Location"]


def rehearse(browser: Browser, provider: IdentityProvider) -> Rehearsal:
    """Do a whole rehearsal, and return what is stored of it."""
    answer = browser.come_back(browser.at_provider(begin(browser, provider)))
    assert answer.status_code == 303, answer.content.decode()[-2000:]
    done = Rehearsal.objects.order_by("-started_at")[0]
    assert answer["Location"] == f"{PROVIDERS}{provider.pk}/rehearsals/{done.pk}/"
    return done


def outcomes(rehearsal: Rehearsal) -> list[str]:
    """Return how each step ended."""
    return [step["outcome"] for step in rehearsal.steps]


def traces() -> list[str]:
    """Return all that a sign-in would leave behind."""
    return [str(model.objects.order_by("pk").values()) for model in (User, FederatedIdentity, IdentityProvider)]
