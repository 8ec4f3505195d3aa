"""A password in the place of a provider that is down: access policies hold, and a second factor must be a real one."""

import pytest
from django.utils import timezone

from idp.access_input import AccessInput
from idp.access_policies import add_policy
from idp.models import IdentityProvider, RoutingPolicy
from tests.browsing import Browser, error_code
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, PASSWORD, make_person, make_provider
from users.models import User
from users.sessions import shown_second_factor

pytestmark = pytest.mark.django_db


@pytest.fixture
def eve(tenant: PracticeTenant, administrator: User) -> User:
    """Somebody with a password whose provider, with a plus in its name, is down, and whose policy lets passwords in."""
    person = make_person("eve@contoso.example", password=PASSWORD)
    provider = make_provider(tenant)
    RoutingPolicy.objects.update(password_while_down=True)
    now = timezone.now()
    IdentityProvider.objects.filter(pk=provider.pk).update(name="A+B", down_since=now, health_checked_at=now)
    return person


def deny(action: str = "deny") -> None:
    """Add an access policy for everyone."""
    given = AccessInput(name=f"All {action}", action=action, everyone=True)
    add_policy(actor=OPERATOR, given=given, understood=True)


def test_a_denied_person_does_not_come_in_by_the_other_door(eve: User, browser_client: Browser) -> None:
    deny()
    answer = browser_client.sign_in_with_password(eve)
    assert (answer.status_code, error_code(answer)) == (403, "access.denied")


def test_a_session_that_stands_in_asks_the_policies_on_every_page(eve: User, browser_client: Browser) -> None:
    assert browser_client.sign_in_with_password(eve).status_code == 302 and browser_client.is_signed_in
    deny()
    answer = browser_client.get("/")
    assert (answer.status_code, error_code(answer)) == (403, "access.denied")


def test_a_plus_in_the_providers_name_is_no_second_factor(eve: User, browser_client: Browser) -> None:
    assert browser_client.sign_in_with_password(eve).status_code == 302 and browser_client.is_signed_in
    assert not shown_second_factor(browser_client.session)
    deny("require_second_factor")
    answer = browser_client.get("/")
    assert (answer.status_code, error_code(answer)) == (403, "access.second_factor_missing")


def test_a_session_that_stood_in_ends_when_no_policy_sends_her_anywhere(eve: User, browser_client: Browser) -> None:
    assert browser_client.sign_in_with_password(eve).status_code == 302 and browser_client.is_signed_in
    RoutingPolicy.objects.update(enabled=False)
    assert not browser_client.is_signed_in
    assert browser_client.sign_in_with_password(eve).status_code == 302 and browser_client.is_signed_in
