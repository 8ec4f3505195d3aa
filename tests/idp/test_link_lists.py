"""The lists of links: pages, search, and the numbers above them."""

import pytest
from django.utils import timezone

from idp import link_queries
from idp.models import FederatedIdentity, IdentityProvider
from tests.entra_tenant import PracticeTenant
from tests.factories import make_person, make_provider
from tests.idp.links import OID, pre_link
from users.models import State, User

pytestmark = pytest.mark.django_db(transaction=True)


def listed(provider: IdentityProvider, **given: object) -> list[str]:
    """Return the company emails of all pages, two to a page."""
    emails, after = [], ""
    while True:
        page = link_queries.links_of(provider, limit=2, after=after, **given)  # type: ignore[arg-type]
        emails += [link.person.company_email for link in page.rows]
        after = page.next
        if not after:
            return emails


@pytest.fixture
def seven(provider: IdentityProvider) -> list[User]:
    """Seven linked people; the first four signed in, two of them in the same moment."""
    now, made = timezone.now(), [make_person(f"p{number}@contoso.example") for number in range(7)]
    for number, person in enumerate(made):
        link = pre_link(provider, person, f"0000000{number}-2fa1-11d2-883f-0016d3cca427")
        at = now - timezone.timedelta(minutes=number // 2) if number < 4 else None
        FederatedIdentity.objects.filter(pk=link.pk).update(last_sign_in_at=at)
    return made


@pytest.mark.parametrize("sort", list(link_queries.SORTS))
def test_every_link_is_on_exactly_one_page(sort: str, provider: IdentityProvider, seven: list[User]) -> None:
    emails = listed(provider, sort=sort)
    assert sorted(emails) == [person.company_email for person in seven]
    expected = {
        "email": [p.company_email for p in seven],
        "since": [p.company_email for p in reversed(seven)],
    }
    if sort in expected:
        assert emails == expected[sort]
    else:
        assert [set(emails[:2]), set(emails[2:4])] == [{"p0@contoso.example", "p1@contoso.example"}] + [
            {"p2@contoso.example", "p3@contoso.example"}
        ]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("p3@", 1),
        ("P3", 1),
        ("p", 7),
        ("00000003-2f", 1),
        ("0000000", 7),
        ("nobody", 0),
        ("%", 0),
        ("_3", 0),
        ("  ", 0),
        ("\x00", 0),
        ("\U0010ffff", 0),
        ("contoso", 0),
    ],
)
def test_a_search_finds_by_the_beginning(
    search: str, expected: int, provider: IdentityProvider, seven: list[User]
) -> None:
    for sort in link_queries.SORTS:
        assert len(listed(provider, search=search, sort=sort)) == expected


def test_a_search_finds_a_whole_subject(provider: IdentityProvider, seven: list[User]) -> None:
    subject = FederatedIdentity.objects.get(person=seven[2]).subject
    assert listed(provider, search=subject.upper()) == [seven[2].company_email]


@pytest.mark.parametrize("after", ["x", "~", "never~x", "\x00~" + OID, f"9999-99-99~{OID}", f"0001-01-01~{OID}", "٣~٣"])
@pytest.mark.parametrize("sort", list(link_queries.SORTS))
def test_a_forged_page_is_harmless(after: str, sort: str, provider: IdentityProvider, seven: list[User]) -> None:
    assert len(link_queries.links_of(provider, sort=sort, after=after).rows) in {0, 3, 7}


def test_the_summary_counts_active_people_by_domain(tenant: PracticeTenant, administrator: User) -> None:
    provider = make_provider(tenant, email_domains=["contoso.example", "fabrikam.example", "empty.example"])
    for email in ("a@contoso.example", "b@contoso.example", "c@fabrikam.example", "d@sub.contoso.example"):
        make_person(email)
    make_person("e@contoso.example", state=State.STAGED)
    summary = link_queries.summary_of(provider)
    assert summary.domains == (("contoso.example", 2), ("empty.example", 0), ("fabrikam.example", 1))
    assert (summary.outside, summary.links, summary.pending, summary.former) == (1, 0, 0, 0)
    IdentityProvider.objects.update(email_domains=[])
    assert link_queries.summary_of(IdentityProvider.objects.get()).outside is None
