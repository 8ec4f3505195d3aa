"""Who goes where, the pages of routing policies, and the choices of an activation."""

import pytest

from idp import routing
from idp.models import IdentityProvider, RoutingPolicy
from tests.browsing import Browser
from tests.factories import PASSWORD, make_person
from tests.idp.test_routing import make_policy, make_provider_row
from tests.idp.test_routing_policies import group_of
from tests.portal.test_home_page import text_of
from tests.portal.test_identity_provider_pages import fingerprint_in
from users.models import State, User

pytestmark = pytest.mark.django_db

PROVIDERS = "/admin/directory-integrations/identity-providers/"
WHERE = f"{PROVIDERS}who-goes-where/"


@pytest.fixture
def entra() -> IdentityProvider:
    """An active provider that nobody is sent to yet."""
    return make_provider_row(1)


def at(policy: RoutingPolicy, act: str = "") -> str:
    return f"{PROVIDERS}routing-policies/{policy.pk}/{act}"


def filled(**given: str) -> dict[str, str]:
    return {"name": "Sales", "who": "some", "enabled": "on", **given}


def test_it_says_where_somebody_goes_and_why(
    admin_browser: Browser, entra: IdentityProvider, administrator: User
) -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace")
    make_policy(entra, position=1, domains=("fabrikam.example",))
    make_policy(entra, position=2, groups=(group_of(ada),))
    said = text_of(admin_browser.get(WHERE, {"email": "ada@contoso.example"}))
    assert "Ada Lovelace" in said and "Policy 2 is the first routing policy that takes them." in said
    assert "Passed over 1. Policy 1" in said
    stranger = text_of(admin_browser.get(WHERE, {"email": "who@fabrikam.example"}))
    assert "Nobody here has this company email" in stranger and "Signs in with Provider 1" in stranger
    local = text_of(admin_browser.get(WHERE, {"email": "bob@contoso.example"}))
    assert "No routing policy takes them." in local and "Signs in with A Gatehouse password" in local
    User.objects.filter(company_email="bob@contoso.example").delete()
    make_person("bob@contoso.example", state=State.SUSPENDED)
    assert "But they are suspended, and stay out." in text_of(
        admin_browser.get(WHERE, {"email": "bob@contoso.example"})
    )
    boss = text_of(admin_browser.get(WHERE, {"email": administrator.company_email}))
    assert "Administrators are never sent to an identity provider." in boss
    assert "Enter an address such as" in text_of(admin_browser.get(WHERE, {"email": "nonsense"}))


def test_it_counts_the_people_of_each_policy(admin_browser: Browser, entra: IdentityProvider) -> None:
    ada, grace = make_person(), make_person()
    make_person("linus@fabrikam.example")
    group = group_of(ada, grace)
    make_policy(entra, position=1, groups=(group,), except_people=(grace,))
    make_policy(entra, position=2, everyone=True, except_groups=(group,))
    said = text_of(admin_browser.get(WHERE))
    assert f"1. Policy 1 Pilot except {grace.company_email} Provider 1 1 On" in said
    assert "2. Policy 2 Everyone except Pilot Provider 1 1 On" in said
    assert "Anybody else Whom no policy takes Gatehouse password 1" in said


def test_without_policies_it_says_that_all_sign_in_locally(admin_browser: Browser) -> None:
    make_person()
    assert "1 active person signs in with a Gatehouse password." in text_of(admin_browser.get(WHERE))


def test_a_policy_is_added_after_a_look_at_whom_it_moves(admin_browser: Browser, entra: IdentityProvider) -> None:
    ada, add = make_person("ada@contoso.example"), f"{PROVIDERS}{entra.pk}/routing-policies/add/"
    group_of(ada, name="Sales")
    assert "Who signs in with Provider 1" in text_of(admin_browser.get(add))
    given = filled(groups="SALES\n", except_people="", domains="fabrikam.example, northwind.example")
    shown = admin_browser.post(add, given)
    assert "1 active person will sign in with Provider 1" in text_of(shown)
    assert not RoutingPolicy.objects.exists()
    admin_browser.post(add, {**given, "fingerprint": fingerprint_in(shown), "understood": "yes"})
    policy = RoutingPolicy.objects.get()
    assert routing.provider_of(ada) == entra
    assert sorted(policy.named_domains.values_list("domain", flat=True)) == ["fabrikam.example", "northwind.example"]
    assert "Sales, @fabrikam.example, @northwind.example" in text_of(admin_browser.get(at(policy)))


def test_what_moves_nobody_is_saved_at_once(admin_browser: Browser, entra: IdentityProvider) -> None:
    make_person()
    add = f"{PROVIDERS}{entra.pk}/routing-policies/add/"
    answer = admin_browser.post(add, filled(domains="fabrikam.example"))
    assert answer["Location"] == at(RoutingPolicy.objects.get())


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"groups": "Nowhere"}, "idp.routing.group_unknown", "There is no group Nowhere."),
        ({"except_people": "who@x.example", "who": "everyone"}, "idp.routing.person_unknown", "who@x.example is no"),
        ({}, "idp.routing.audience_missing", "says of nobody that it takes them"),
        ({"domains": "nonsense"}, "idp.email_domain_invalid", "nonsense is not a domain."),
    ],
)
def test_bad_input_is_shown_beside_its_field(
    admin_browser: Browser, entra: IdentityProvider, given: dict[str, str], code: str, words: str
) -> None:
    answer = admin_browser.post(f"{PROVIDERS}{entra.pk}/routing-policies/add/", filled(**given))
    assert answer.status_code == 422 and words in text_of(answer)
    assert code in str([error.code for errors in answer.context["form"].errors.as_data().values() for error in errors])


def test_a_policy_is_changed_moved_switched_and_deleted(admin_browser: Browser, entra: IdentityProvider) -> None:
    ada = make_person(password=PASSWORD)
    first, second = (
        make_policy(entra, position=1, everyone=True),
        make_policy(make_provider_row(2), position=2, everyone=True),
    )
    form = admin_browser.get(at(first, "edit/")).content.decode()
    assert 'value="everyone" selected' in form and 'name="revision" value="1"' in form
    for act, given, where in (
        ("edit/", filled(who="everyone", except_people=ada.company_email, revision="1"), second.provider),
        ("edit/", filled(who="everyone", revision="2"), entra),
        ("disable/", {}, second.provider),
        ("enable/", {}, entra),
        ("move/", {"position": "2"}, second.provider),
        ("delete/", {}, second.provider),
    ):
        answer = admin_browser.post(at(first, act), given)
        if answer.status_code == 200:
            confirmed = {**given, "fingerprint": fingerprint_in(answer), "understood": "yes"}
            answer = admin_browser.post(at(first, act), confirmed)
        assert answer.status_code == 302, act
        assert routing.provider_of(ada) == where, act
    assert list(RoutingPolicy.objects.values_list("name", "position")) == [(second.name, 1)]


def test_a_stale_confirmation_shows_the_new_numbers(admin_browser: Browser, entra: IdentityProvider) -> None:
    make_person()
    policy = make_policy(entra, everyone=True, enabled=False)
    shown = admin_browser.post(at(policy, "enable/"))
    make_person()
    answer = admin_browser.post(at(policy, "enable/"), {"fingerprint": fingerprint_in(shown), "understood": "yes"})
    assert answer.status_code == 409 and "2 active people will sign in with Provider 1" in text_of(answer)
    assert not RoutingPolicy.objects.get().enabled


def test_a_wrong_place_is_shown_on_the_page(admin_browser: Browser, entra: IdentityProvider) -> None:
    policy = make_policy(entra, everyone=True)
    for position in ("", "0", "7"):
        assert admin_browser.post(at(policy, "move/"), {"position": position}).status_code == 422
    assert "There is no place 7 among 1" in text_of(admin_browser.post(at(policy, "move/"), {"position": "7"}))


def test_activation_asks_to_whom_it_applies(admin_browser: Browser, draft: IdentityProvider) -> None:
    ada = make_person()
    make_person()
    pilot = group_of(ada)
    where = f"{PROVIDERS}{draft.pk}/activate/"
    assert "All people at once" in text_of(admin_browser.get(where))
    shown = admin_browser.get(where, {"scope": "group", "group": "pilot"})
    assert "A pilot: the members of Pilot" in text_of(shown)
    assert "1 active person will sign in with Contoso Entra" in text_of(shown)
    given = {"scope": "group", "group": str(pilot.pk), "fingerprint": fingerprint_in(shown), "understood": "yes"}
    assert admin_browser.post(where, {**given, "without_rehearsal": "yes"}).status_code == 302
    page = text_of(admin_browser.get(f"{PROVIDERS}{draft.pk}/"))
    assert "Whom the routing policies below take" in page and "1. Pilot to Contoso Entra" in page
    unknown = admin_browser.get(f"{PROVIDERS}{draft.pk}/")
    assert unknown.status_code == 200


def test_an_unknown_pilot_group_is_said_in_the_dialog(admin_browser: Browser, draft: IdentityProvider) -> None:
    answer = admin_browser.get(f"{PROVIDERS}{draft.pk}/activate/", {"scope": "group", "group": "nowhere"})
    assert answer.status_code == 404 and "There is no such group." in text_of(answer)


def test_archive_and_restore(admin_browser: Browser, provider: IdentityProvider) -> None:
    where = f"{PROVIDERS}{provider.pk}/archive/"
    shown = admin_browser.get(where)
    assert "Archive this identity provider?" in text_of(shown)
    admin_browser.post(where, {"fingerprint": fingerprint_in(shown), "understood": "yes"})
    assert "Archived" in text_of(admin_browser.get(PROVIDERS))
    page = text_of(admin_browser.get(f"{PROVIDERS}{provider.pk}/"))
    assert "It is archived; its links are kept." in page and "Restore" in page
    assert "Change" not in page and "Test connection" not in page and "Rehearse a sign-in" not in page
    asked = text_of(admin_browser.get(f"{PROVIDERS}{provider.pk}/activate/", follow=True))
    assert "Contoso Entra is archived. Restore it first." in asked
    admin_browser.post(f"{PROVIDERS}{provider.pk}/restore/")
    assert IdentityProvider.objects.get().status == "draft"


def test_a_group_in_use_says_so_on_its_page_of_deletion(admin_browser: Browser, entra: IdentityProvider) -> None:
    group = group_of()
    make_policy(entra, groups=(group,))
    where = f"/admin/user-management/groups/{group.pk}/delete/"
    assert "It is named by the routing policy Policy 1." in text_of(admin_browser.get(where))
    assert admin_browser.post(where, {"confirmation": "Pilot"}).status_code == 409


def test_the_sign_in_page_follows_the_policies(entra: IdentityProvider) -> None:
    ada = make_person("ada@contoso.example", password=PASSWORD)
    make_policy(entra, groups=(group_of(ada),))
    make_person("bob@fabrikam.example", password=PASSWORD)
    local = Browser()
    assert local.post("/login/", {"email": "bob@fabrikam.example"})["Location"] == "/login/password/"
    page = text_of(local.get("/login/password/"))
    assert "Only administrators have a password here" not in page and "Continue with Provider 1" in page
    local.post("/login/password/", {"email": "bob@fabrikam.example", "password": PASSWORD})
    assert local.is_signed_in
    refused = Browser().post("/login/password/", {"email": "ada@contoso.example", "password": PASSWORD})
    assert refused.status_code == 401 and "if you are one of them, use its button below" in text_of(refused)


def test_several_providers_are_offered(entra: IdentityProvider) -> None:
    make_policy(entra, position=1, everyone=True)
    make_policy(make_provider_row(2), position=2, everyone=True)
    page = text_of(Browser().get("/login/"))
    assert "Continue with Provider 1" in page and "Continue with Provider 2" in page
