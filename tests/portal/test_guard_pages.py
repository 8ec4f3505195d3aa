"""Enabling on trial, from the Admin Portal: the choice, the banner, confirming, and what the pages say afterwards."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from idp import routing
from idp.models import GuardedFailure, GuardOutcome, IdentityProvider, RoutingGuard, RoutingPolicy
from tests.browsing import Browser, error_code
from tests.entra_tenant import PracticeTenant
from tests.factories import make_person, make_provider
from tests.idp.test_routing import make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.portal.test_home_page import text_of
from tests.portal.test_identity_provider_pages import fingerprint_in
from users.models import User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"


def enable(browser: Browser, provider: IdentityProvider, **given: str) -> str:
    """Enable a provider as its dialog does, and return what the page then says."""
    url = f"{PROVIDERS}{provider.pk}/activate/"
    confirmed = {
        "understood": "yes",
        "without_rehearsal": "yes",
        "fingerprint": fingerprint_in(browser.get(url, given)),
    }
    return text_of(browser.post(url, {**confirmed, **given}, follow=True))


def test_the_dialog_proposes_half_an_hour(admin_browser: Browser, draft: IdentityProvider) -> None:
    shown = admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/").content.decode()
    assert '<option value="30" selected>' in " ".join(shown.split())
    assert '<option value="50" selected>' in " ".join(shown.split())


def test_enabled_on_trial_it_says_so_until_it_is_confirmed(admin_browser: Browser, draft: IdentityProvider) -> None:
    make_person("ada@contoso.example")
    said = enable(admin_browser, draft, guard_minutes="60", failure_percent="20")
    assert "On trial" in said and "unless an Administrator With Billing confirms it, which leaves 59 minutes" in said
    assert "more than 20 % of sign-ins fail" in said and "So far 0 people came in, and 0 failed." in said
    assert "Contoso Entra is on trial until" in text_of(admin_browser.get("/admin/"))
    said = text_of(admin_browser.post(f"{PROVIDERS}{draft.pk}/guard/confirm/", follow=True))
    assert "Contoso Entra is confirmed" in said and "On trial" not in said
    answer = admin_browser.post(f"{PROVIDERS}{draft.pk}/guard/confirm/")
    assert (answer.status_code, error_code(answer)) == (409, "idp.guard.not_found")


def test_without_a_choice_or_with_none_it_stays(admin_browser: Browser, draft: IdentityProvider) -> None:
    enable(admin_browser, draft, guard_minutes="0")
    assert not RoutingGuard.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"guard_minutes": "3"}, "A guard cannot last 3 minutes."),
        ({"guard_minutes": "soon"}, "A guard cannot last soon minutes."),
        ({"guard_minutes": "30", "failure_percent": "0"}, "0 is no share of failed sign-ins."),
        ({"guard_minutes": "30", "failure_percent": "half"}, "half is no share of failed sign-ins."),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(
    admin_browser: Browser, draft: IdentityProvider, given: dict[str, str], words: str
) -> None:
    assert words in enable(admin_browser, draft, **given)
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_taken_back_people_sign_in_as_before(admin_browser: Browser, draft: IdentityProvider) -> None:
    ada = make_person("ada@contoso.example")
    enable(admin_browser, draft, guard_minutes="30")
    assert routing.provider_of(ada) == draft
    said = text_of(admin_browser.post(f"{PROVIDERS}{draft.pk}/guard/take-back/", follow=True))
    assert "Contoso Entra was taken back" in said and "Federation went back by itself" not in said
    assert routing.provider_of(ada) is None


def test_what_went_back_by_itself_is_said_with_its_causes(
    administrator: User, admin_browser: Browser, draft: IdentityProvider
) -> None:
    enable(admin_browser, draft, guard_minutes="30")
    guard = RoutingGuard.objects.get()
    GuardedFailure.objects.create(guard=guard, who="1", code="federation.no_match")
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        browser = Browser()
        browser.sign_in_as_administrator(administrator)
        said = text_of(browser.get(f"{PROVIDERS}{draft.pk}/"))
        assert "Federation went back by itself" in said and "nobody had confirmed it" in said
        assert "1 × “" in said
        assert "Contoso Entra: federation went back by itself" in text_of(browser.get("/admin/"))
        # Enabled anew, it is an old story.
        enable(browser, draft)
        assert "went back by itself" not in text_of(browser.get("/admin/"))


def test_a_pilot_is_extended_with_its_numbers(
    admin_browser: Browser, tenant: PracticeTenant, administrator: User
) -> None:
    ada, grace, alan = (make_person(f"{name}@contoso.example") for name in ("ada", "grace", "alan"))
    draft = make_provider(tenant, active=False)
    enable(admin_browser, draft, scope="group", group=str(group_of(ada, grace).pk))
    assert Browser().federated_sign_in("ada@contoso.example").status_code == 303
    page = admin_browser.get(f"{PROVIDERS}{draft.pk}/").content.decode()
    assert "Extend to all people" in page
    url = f"{PROVIDERS}{draft.pk}/activate/?scope=everybody"
    shown = text_of(admin_browser.get(url))
    assert "1 of 2 people signed in since" in shown and "1 has not yet." in shown and "No sign-in failed." in shown
    assert "1 active person will sign in with Contoso Entra" in shown
    enable(admin_browser, draft, scope="everybody", guard_minutes="30")
    assert routing.provider_of(alan) == draft
    assert [guard.from_draft for guard in RoutingGuard.objects.all()] == [False]
    assert "All people, except administrators, since" in text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    again = admin_browser.get(url, follow=True)
    assert "Contoso Entra is active already." in text_of(again)


def test_a_policy_can_be_added_and_switched_on_on_trial(admin_browser: Browser) -> None:
    entra, ada = make_provider_row(1), make_person("ada@contoso.example")
    add = f"{PROVIDERS}{entra.pk}/routing-policies/add/"
    given = {"name": "All", "who": "everyone", "enabled": "on", "revision": "0", "position": "1"}
    shown = admin_browser.post(add, given)
    confirmed = {"fingerprint": fingerprint_in(shown), "understood": "yes", "guard_minutes": "30"}
    admin_browser.post(add, {**given, **confirmed, "failure_percent": "50"})
    guard = RoutingGuard.objects.get()
    assert guard.policy == RoutingPolicy.objects.get() and routing.provider_of(ada) == entra
    assert "On trial" in text_of(admin_browser.get(f"{PROVIDERS}who-goes-where/"))
    other = make_policy(make_provider_row(2), position=2, everyone=True, enabled=False)
    RoutingPolicy.objects.filter(pk=guard.policy_id).update(everyone=False)
    enable_url = f"{PROVIDERS}routing-policies/{other.pk}/enable/"
    shown = admin_browser.post(enable_url)
    assert "Goes back unless confirmed again within" in text_of(shown)
    admin_browser.post(enable_url, {"fingerprint": fingerprint_in(shown), "understood": "yes", "guard_minutes": "10"})
    assert RoutingGuard.objects.filter(policy=other, outcome=GuardOutcome.WATCHING).exists()
    disable = admin_browser.post(f"{PROVIDERS}routing-policies/{other.pk}/disable/")
    assert "Goes back unless" not in text_of(disable)
