"""SECURITY MANAGEMENT > Conditional Policies: the pages on which policies are made, ordered and tried out."""

from datetime import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.models import AccessDefault, AccessPolicy
from tests.browsing import Browser
from tests.factories import PASSWORD, make_administrator, make_person
from tests.idp.test_access_policies import add
from tests.idp.test_routing import make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.portal.test_home_page import text_of
from tests.portal.test_identity_provider_pages import fingerprint_in
from users.models import AdminRole, User

pytestmark = pytest.mark.django_db

POLICIES = "/admin/security-management/conditional-policies/"
ADD = f"{POLICIES}add/"


def at(policy: AccessPolicy, act: str = "") -> str:
    return f"{POLICIES}{policy.pk}/{act}"


def filled(**given: Any) -> dict[str, Any]:
    """Return a form as a browser sends it."""
    return {
        "name": "Shut",
        "resource": "user_portal",
        "who": "everyone",
        "network_side": "",
        "token_second_factor": "",
        "time_side": "",
        "action": "deny",
        "enabled": "on",
        **given,
    }


def confirmed(browser: Browser, url: str, given: dict[str, Any]) -> Any:
    shown = browser.post(url, given)
    return browser.post(url, {**given, "fingerprint": fingerprint_in(shown), "understood": "yes"})


@pytest.fixture
def ada(db: None) -> User:
    """Somebody in the group Sales."""
    ada = make_person("ada@contoso.example", password=PASSWORD, display_name="Ada Lovelace")
    group_of(ada, name="Sales")
    return ada


def test_the_entry_and_the_safety_of_the_admin_portal(admin_browser: Browser) -> None:
    page = admin_browser.get(POLICIES)
    assert "SECURITY MANAGEMENT Conditional Policies INSIGHTS" in text_of(page)
    assert "The Admin Portal is never subject to them" in text_of(page)
    assert "Default policy Everyone else Where no policy fits Allow On" in text_of(page)


def test_the_template_denies_the_user_portal_to_whom_one_names(admin_browser: Browser, ada: User) -> None:
    assert f"{ADD}?template=deny-user-portal" in admin_browser.get(POLICIES).content.decode()
    form = admin_browser.get(ADD, {"template": "deny-user-portal"})
    assert 'value="Deny User Portal"' in form.content.decode()
    assert '<option value="deny" selected>' in form.content.decode()
    nobody = admin_browser.post(ADD, filled(name="Deny User Portal", who="some"))
    assert nobody.status_code == 422 and "says of nobody" in text_of(nobody)
    given = filled(name="Deny User Portal", who="some", groups="sales")
    shown = text_of(admin_browser.post(ADD, given))
    assert "1 active person whom this is about" in shown and "Ada Lovelace" in shown
    assert "1 of them can no longer open the User Portal" in shown and not AccessPolicy.objects.exists()
    answer = confirmed(admin_browser, ADD, given)
    policy = AccessPolicy.objects.get()
    assert answer["Location"] == at(policy) and policy.named_groups.get().group.name == "Sales"
    assert 'data-error-code="access.denied"' in Browser().sign_in_with_password(ada).content.decode()


def test_a_sign_in_is_tried_out_before_anything_is_saved(admin_browser: Browser, ada: User) -> None:
    add("Office", "allow", people=[ada], network_side="inside", networks=["203.0.113.0/24"])
    given = filled()
    tried = {"try-email": "ada@contoso.example", "try-client_ip": "198.51.100.7", "try-sign_in": "local"}
    shown = admin_browser.post(ADD, {**given, **tried})
    assert "What happens Deny The User Portal does not open" in text_of(shown)
    assert "Decided by Shut Passed over Office asks for another network." in text_of(shown)
    inside = text_of(admin_browser.post(ADD, {**given, **tried, "try-client_ip": "::ffff:203.0.113.7"}))
    assert "What happens Allow The User Portal opens. Decided by Office" in inside
    wrong = text_of(admin_browser.post(ADD, {**given, **tried, "try-client_ip": "here"}))
    assert "here is not an IP address." in wrong
    nobody = text_of(admin_browser.post(ADD, {**given, **tried, "try-email": "who@contoso.example"}))
    assert "who@contoso.example is no company email of anybody here." in nobody
    sly = {**given, **tried, "fingerprint": fingerprint_in(shown), "understood": "yes"}
    assert admin_browser.post(ADD, sly).status_code == 200 and AccessPolicy.objects.count() == 1
    saved = admin_browser.post(ADD, {**given, "fingerprint": fingerprint_in(shown), "understood": "yes"})
    assert saved.status_code == 302 and AccessPolicy.objects.count() == 2


def test_the_tester_says_which_policy_decides(admin_browser: Browser, ada: User) -> None:
    provider = make_provider_row(1)
    add("Second factor", "require_second_factor", providers=[provider], token_second_factor="absent")
    add("Nights", time_side="inside", time_from=time(22), time_to=time(6), time_zone="Europe/Berlin")
    asked = {"email": "ada@contoso.example", "sign_in": "oidc-1", "at": "2030-01-07T12:00"}
    said = text_of(admin_browser.get(POLICIES, asked))
    assert "must set one up before anything else opens. Decided by Second factor" in said
    with_token = text_of(admin_browser.get(POLICIES, {**asked, "token_second_factor": "on"}))
    assert "The default policy: no other fits Passed over Second factor asks for another word" in with_token
    night = text_of(admin_browser.get(POLICIES, {**asked, "sign_in": "local", "at": "2030-01-07T23:30"}))
    assert "Decided by Nights Passed over Second factor asks for another way to sign in." in night
    assert "Enter an address" in text_of(admin_browser.get(POLICIES, {"email": "x", "sign_in": "local"}))


def test_every_condition_is_on_the_page_and_in_the_form_again(admin_browser: Browser, ada: User) -> None:
    make_provider_row(1)
    given = filled(
        who="some",
        people="ADA@contoso.example",
        except_groups="Sales",
        description="Nobody at night",
        network_side="outside",
        networks="203.0.113.0/24\n2001:db8::/32",
        sign_ins=["local", "oidc-1"],
        token_second_factor="absent",
        time_side="inside",
        weekdays=["mon", "tue", "wed"],
        time_from="22:00",
        time_to="06:00",
        time_zone="Europe/Berlin",
    )
    confirmed(admin_browser, ADD, given)
    policy = AccessPolicy.objects.get()
    said = text_of(admin_browser.get(at(policy)))
    for words in (
        "ada@contoso.example except Sales",
        "The client is outside 203.0.113.0/24, 2001:db8::/32.",
        "Signed in with Provider 1 or a Gatehouse password.",
        "token does not say that a second factor was used.",
        "Mon to Wed, 22:00 to 06:00, Europe/Berlin.",
    ):
        assert words in said
    form = admin_browser.get(at(policy, "edit/")).content.decode()
    for held in ('value="22:00"', 'value="Europe/Berlin"', "ada@contoso.example", "2001:db8::/32"):
        assert held in form
    assert form.count(" checked") == 6  # two ways to sign in, three days, and on
    stale = {**given, "name": "Another", "revision": "7"}
    assert "changed by somebody else" in text_of(admin_browser.post(at(policy, "edit/"), stale))
    renamed = admin_browser.post(at(policy, "edit/"), {**given, "name": "Another", "revision": "1"})
    assert renamed.status_code == 302 and AccessPolicy.objects.get().name == "Another"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"who": "some", "groups": "Nowhere"}, "There is no group Nowhere."),
        ({"who": "some", "people": "x@contoso.example"}, "x@contoso.example is no company email of anybody here."),
        ({"network_side": "inside", "networks": "203.0.113.7/24"}, "203.0.113.7/24 is not a network."),
        ({"time_side": "inside", "time_zone": "UTC", "time_from": "8"}, "Enter a time such as 08:00."),
        ({"time_side": "inside", "time_zone": "UTC", "time_from": "08:00"}, "The hours of this access policy are not"),
        ({"sign_ins": ["nobody"]}, "Choose among these."),
        ({"action": "explode"}, "Choose one of these."),
        ({"name": ""}, "Give the policy a name."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(given: dict[str, Any], words: str, admin_browser: Browser) -> None:
    answer = admin_browser.post(ADD, filled(**given))
    assert answer.status_code == 422 and words in text_of(answer)


def test_it_is_switched_moved_and_deleted(admin_browser: Browser, ada: User) -> None:
    add("First", "allow")
    policy = add("Second")
    assert "What this would mean" in text_of(admin_browser.post(at(policy, "move/"), {"position": "1"}))
    confirmed(admin_browser, at(policy, "move/"), {"position": "1"})
    policy.refresh_from_db()
    assert policy.position == 1
    assert "There is no place 3" in text_of(admin_browser.post(at(policy, "move/"), {"position": "3"}))
    confirmed(admin_browser, at(policy, "disable/"), {})
    policy.refresh_from_db()
    assert not policy.enabled
    shown = text_of(admin_browser.post(at(policy, "enable/")))
    assert "2 of them can no longer open the User Portal" in shown  # Ada and the administrator
    assert "Nothing that is in force changes." in text_of(admin_browser.post(at(policy, "delete/")))
    confirmed(admin_browser, at(policy, "delete/"), {})
    assert list(AccessPolicy.objects.values_list("name", "position")) == [("First", 1)]


def test_the_default_is_changed_after_a_look_and_never_deleted(admin_browser: Browser, ada: User) -> None:
    url = f"{POLICIES}default/"
    assert "2 of them can no longer open" in text_of(admin_browser.post(url, {"action": "deny"}))
    confirmed(admin_browser, url, {"action": "deny"})
    assert AccessDefault.objects.get().action == "deny"
    assert "Where no policy fits Deny On" in text_of(admin_browser.get(POLICIES))
    admin_browser.post(url, {"action": "nonsense"})
    assert AccessDefault.objects.get().action == "deny"


def test_an_administrator_manages_them_and_a_reader_sees_them_without_buttons(browser_client: Browser) -> None:
    policy = add("Kept", enabled=False)
    browser_client.sign_in_as_administrator(make_administrator(AdminRole.READ_ONLY))
    for url in (POLICIES, at(policy)):
        text = browser_client.get(url).content.decode()
        assert "Kept" in text and "add/" not in text and "Move" not in text and "Switch on" not in text
    other = Browser()
    other.sign_in_as_administrator(make_administrator(AdminRole.ADMINISTRATOR))
    assert other.get(ADD).status_code == 200


def test_two_hundred_policies_are_paged_and_cost_as_many_queries_as_two(admin_browser: Browser, ada: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_browser.get(POLICIES)
        return len(captured)

    group = group_of(name="Staff")
    for number in (1, 2):
        add(f"Policy {number}", groups=[group], people=[ada])
    few = queries()
    for number in range(3, 61):
        add(f"Policy {number}", groups=[group], people=[ada])
    assert queries() == few
    first, second = admin_browser.get(POLICIES), admin_browser.get(POLICIES, {"after": "50"})
    assert "50. Policy 50" in text_of(first) and "51. Policy 51" not in text_of(first)
    assert "51. Policy 51" in text_of(second) and "Default policy Everyone else" in text_of(second)


def test_a_provider_that_a_policy_asks_for_is_not_deleted(admin_browser: Browser) -> None:
    provider = make_provider_row(1)
    add("Ours", "allow", providers=[provider])
    url = f"/admin/directory-integrations/identity-providers/{provider.pk}/delete/"
    shown = admin_browser.get(url)
    given = {"confirm_name": provider.name, "understood": "yes", "fingerprint": fingerprint_in(shown)}
    assert "access policies ask whether somebody signed in with it: Ours" in text_of(admin_browser.post(url, given))
