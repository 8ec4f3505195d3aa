"""What the conditional access policies say of a person who comes to the User Portal, and of each page that she opens.

The Admin Portal never asks them: whoever has shut everybody out must be able to come in and repair.
"""

import uuid
from dataclasses import dataclass

from django.http import HttpRequest

from idp.access import Action
from idp.access_errors import AccessDenied, SecondFactorMissing
from idp.access_rules import Current, decision_for
from portal.actors import client_ip
from users.models import User


@dataclass(frozen=True)
class Admission:
    """A person whom the policies let in, once she has shown a second factor where they ask for one.

    Attributes:
        policy: the name of the policy that decided; None: the default policy.
        needs_second_factor: whether a second factor at Gatehouse is still to come.
    """

    person: User
    policy: str | None
    needs_second_factor: bool

    def missing(self) -> SecondFactorMissing:
        """Return the refusal of somebody who has no second factor to show."""
        return SecondFactorMissing(policy=self.policy, person=self.person.company_email)


def admit(
    request: HttpRequest,
    person: User,
    *,
    provider_id: uuid.UUID | None = None,
    token_second_factor: bool = False,
    local_second_factor: bool = False,
    current: Current | None = None,
) -> Admission:
    """Ask the policies whether a person may come in from where she is now.

    Args:
        provider_id: of the provider that signed her in; None for a Gatehouse password.
        token_second_factor: whether its token says that a second factor was used there.
        local_second_factor: whether she has shown one at Gatehouse in this sign-in.
        current: the state of the policies, where it was just read.

    Raises:
        AccessDenied: she may not.
    """
    decision = decision_for(
        person,
        client_ip=client_ip(request),
        provider_id=provider_id,
        token_second_factor=token_second_factor,
        current=current,
    )
    policy = decision.rule.name if decision.rule else None
    if decision.action == Action.DENY:
        raise AccessDenied(policy=policy, person=person.company_email)
    asked = decision.action == Action.REQUIRE_SECOND_FACTOR
    return Admission(person, policy, needs_second_factor=asked and not local_second_factor)
