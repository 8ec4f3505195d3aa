"""Links of people to accounts, for tests."""

from uuid import uuid4

import pytest

from idp import links
from idp.models import FederatedIdentity, IdentityProvider
from tests.factories import OPERATOR, make_person
from users.errors import DirectoryError
from users.models import User

ADA, GRACE = "ada@contoso.example", "grace@contoso.example"
OID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def pre_link(provider: IdentityProvider, person: User, object_id: str = OID) -> FederatedIdentity:
    return links.pre_link_person(actor=OPERATOR, provider=provider, person=person, object_id=object_id)


def people(number: int) -> list[User]:
    return [make_person() for _ in range(number)]


def refusal_of(work: object) -> str:
    """Return the code that the work is refused with."""
    with pytest.raises(DirectoryError) as refused:
        work()  # type: ignore[operator]
    return refused.value.code


def moved(provider: IdentityProvider, *former: User) -> None:
    """Let the links of these people be of a former issuer, as if the provider had moved to another tenant."""
    for person in former:
        FederatedIdentity.objects.filter(person=person).update(
            issuer="https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",
            subject=f"11111111-2222-4333-8444-555555555555.{uuid4()}",
        )
