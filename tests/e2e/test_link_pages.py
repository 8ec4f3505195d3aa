"""People and links in a browser: the tables, the choice of a person, and both ways to link people anew."""

from uuid import uuid4

from playwright.sync_api import Page, expect

from idp import links, pending_links
from idp.federation_errors import EmailOutsideDomains, NoMatch, PersonLinkedElsewhere
from idp.models import FederatedIdentity, IdentityProvider, PendingLink
from idp.protocol.types import IdTokenClaims
from tests.e2e.looking import Eye
from tests.e2e.steps import PROVIDERS, heading, press, says
from tests.entra_tenant import PracticeTenant
from tests.factories import OPERATOR, make_person, make_provider
from users.models import State, User

LONG = "rebecca.featherstonehaugh-cholmondeley@very.long.subsidiary.fabrikam-holding.example"


def came(provider: IdentityProvider, email: str, name: str, error: NoMatch) -> PendingLink:
    """Let an account come that matches nobody."""
    subject = f"{provider.tenant_id}.{uuid4()}"
    claims = IdTokenClaims(provider.issuer, subject, ("x",), 1, 2, email=email, name=name)
    pending_links.note(provider, claims, error)
    return PendingLink.objects.get(subject=subject)


def linked(provider: IdentityProvider, email: str, name: str, state: State = State.ACTIVE) -> User:
    person = make_person(email, display_name=name, state=state)
    links.pre_link_person(actor=OPERATOR, provider=provider, person=person, object_id=str(uuid4()))
    return person


def test_people_and_links(admin_page: Page, tenant: PracticeTenant, administrator: User, eye: Eye) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example", "fabrikam.example"])
    base = f"{PROVIDERS}{provider.pk}/links/"
    admin_page.goto(base)
    says(admin_page, "Nobody is linked yet")
    eye.look(admin_page, "links-empty")
    linked(provider, "ada@contoso.example", "Ada Lovelace")
    linked(provider, LONG, "Rebecca Featherstonehaugh-Cholmondeley of Marchmain", State.STAGED)
    came(
        provider, LONG, "Rebecca F.-C.", EmailOutsideDomains(domains=["very.long.subsidiary.fabrikam-holding.example"])
    )
    came(provider, "ada@contoso.example", "", PersonLinkedElsewhere(person="ada@contoso.example"))
    waiting = came(provider, "vera@contoso.example", "Vera R.", NoMatch(emails=["vera@contoso.example"]))
    FederatedIdentity.objects.filter(person__state=State.STAGED).update(issuer="https://former.example")
    admin_page.goto(base)
    says(admin_page, "Some links belong to a former issuer")
    eye.look(admin_page, "links-full")
    make_person("vera.rubin@contoso.example", display_name="Vera Rubin")
    make_person("vera.molnar@contoso.example", display_name="Vera Molnár", state=State.SUSPENDED)
    admin_page.goto(f"{base}pending/{waiting.pk}/?person=vera")
    eye.look(admin_page, "links-choose")
    admin_page.get_by_role("link", name="Vera Molnár").click()
    says(admin_page, "Is it this person?")
    eye.look(admin_page, "links-confirm")
    press(admin_page, "Yes, link Vera Molnár")
    heading(admin_page, "People and links")
    admin_page.get_by_role("link", name="Unlink Vera Molnár").click()
    eye.look(admin_page, "links-unlink")


def test_linking_people_anew(admin_page: Page, tenant: PracticeTenant, administrator: User, eye: Eye) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example"])
    linked(provider, "ada@contoso.example", "Ada Lovelace")
    linked(provider, "kat@elsewhere.example", "Katherine Johnson")
    base = f"{PROVIDERS}{provider.pk}/links/"
    admin_page.goto(f"{base}relink/")
    eye.look(admin_page, "links-relink")
    admin_page.get_by_role("link", name="Forget all 2…").click()
    expect(admin_page.get_by_role("dialog")).to_contain_text("person stays out")
    eye.look(admin_page, "links-forget")
    admin_page.goto(f"{base}map/")
    lines = admin_page.get_by_role("textbox", name="Lines")
    lines.fill(f"x,y,z\nnobody@contoso.example,{uuid4()}")
    press(admin_page, "Check the lines")
    says(admin_page, "line 2: nobody has the company email nobody@contoso.example")
    eye.look(admin_page, "links-map-problems")
    lines.fill(f"\nada@contoso.example,{uuid4()}\n")
    press(admin_page, "Check the lines")
    eye.look(admin_page, "links-map-impact")
    admin_page.get_by_label("I understand the impacts above").check()
    press(admin_page, "Yes, map them")
    heading(admin_page, "People and links")
    says(admin_page, "Linked anew in bulk")
