"""Who stands behind an impact, in a browser: from the dialog to the names, a filter, the file, and back."""

from playwright.sync_api import Page, expect

from idp.models import FederatedIdentity, IdentityProvider
from tests.e2e.looking import Eye
from tests.e2e.steps import PROVIDERS, heading, press, says
from tests.e2e.test_routing_pages import LONG, group
from tests.factories import make_person
from tests.idp.test_routing import make_policy, make_provider_row
from users.models import State, User


def test_the_names_behind_the_dialog(admin_page: Page, draft: IdentityProvider, eye: Eye) -> None:
    ada = make_person("ada@contoso.example", display_name="Ada Lovelace")
    FederatedIdentity.objects.create(person=ada, provider=draft, issuer=draft.issuer, subject="ada")
    make_person("augusta.ada.king-noel.countess.of.lovelace@contoso.example", display_name="Augusta Ada King " * 6)
    make_person("linus@fabrikam.example", state=State.SUSPENDED)
    okta = make_provider_row(2)
    make_policy(okta, position=1, groups=(group("Okta", make_person("bob@contoso.example")),))
    make_policy(draft, position=2, everyone=True, enabled=False, except_people=(make_person("eve@contoso.example"),))
    admin_page.goto(f"{PROVIDERS}{draft.pk}/activate/")
    admin_page.get_by_role("link", name="Who exactly").click()
    heading(admin_page, "Who exactly")
    says(admin_page, "Matched by the link that an earlier sign-in made.")
    eye.look(admin_page, "impact-people")
    admin_page.get_by_label("Show").select_option("Local by exception (1)")
    press(admin_page, "Filter")
    expect(admin_page.locator("tbody tr")).to_have_count(1)
    says(admin_page, "eve@contoso.example")
    with admin_page.expect_download() as download:
        admin_page.get_by_role("link", name="Download as CSV").click()
    assert "ada@contoso.example" in download.value.path().read_text()
    admin_page.get_by_role("link", name="Back to the decision").click()
    expect(admin_page.get_by_role("dialog", name="Send people to this identity provider?")).to_be_visible()


def test_nobody_behind_an_impact(admin_page: Page, draft: IdentityProvider, eye: Eye) -> None:
    admin_page.goto(f"{PROVIDERS}{draft.pk}/impact/?act=deactivate")
    says(admin_page, "Nobody is concerned")
    eye.look(admin_page, "impact-people-empty")


def test_the_names_behind_a_policy(admin_page: Page, administrator: User, eye: Eye) -> None:
    entra = make_provider_row(1)
    members = [make_person(f"person-{number}@contoso.example") for number in range(4)]
    policy = make_policy(entra, groups=(group(LONG, *members),), enabled=False)
    admin_page.goto(f"{PROVIDERS}routing-policies/{policy.pk}/")
    press(admin_page, "Switch on")
    heading(admin_page, "Who would sign in another way")
    press(admin_page, "Who exactly")
    expect(admin_page.locator("tbody tr")).to_have_count(4)
    eye.look(admin_page, "impact-people-policy")
    with admin_page.expect_download():
        press(admin_page, "As CSV")
    admin_page.get_by_label("I understand the impacts above").check()
    press(admin_page, "Switch it on")
    says(admin_page, f"{policy.name} was saved.")
