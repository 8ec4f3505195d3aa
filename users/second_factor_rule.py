"""The company's rule that administrators must have a second factor."""

from dataclasses import dataclass

from users.audit import Actor, audited, record
from users.factors import administrators_without_second_factor
from users.models import Organization, User
from users.permissions import Permission
from users.services import require

NAMES_SHOWN = 20


@dataclass(frozen=True)
class Enrolment:
    """How far administrators have come.

    Attributes:
        administrators: how many active ones there are.
        without: those of them without a second factor, the first twenty.
        without_count: how many those are in all.
    """

    administrators: int
    without: tuple[User, ...]
    without_count: int

    @property
    def with_count(self) -> int:
        """How many have a second factor."""
        return self.administrators - self.without_count

    @property
    def more(self) -> int:
        """How many are without one beyond those that are named."""
        return self.without_count - len(self.without)


def enrolment() -> Enrolment:
    """Return how many administrators have a second factor, and who has none."""
    without = administrators_without_second_factor()
    return Enrolment(
        administrators=User.objects.administrators().active().count(),
        without=tuple(without[:NAMES_SHOWN]),
        without_count=without.count(),
    )


@audited("users.organization.second_factor_rule_set")
def set_second_factor_rule(*, actor: Actor, required: bool) -> bool:
    """Require a second factor of administrators, or stop to, and return whether that changed anything.

    Nobody is locked out: whoever has none reaches the pages where she sets one up, and no others until she has.
    """
    require(actor, Permission.MANAGE_ORGANIZATION)
    organization = Organization.objects.select_for_update().get_or_create(pk=1)[0]
    if organization.second_factor_required == required:
        return False
    organization.second_factor_required = required
    organization.save(update_fields=["second_factor_required", "updated_at"])
    counted = enrolment()
    details = {"required": required, "administrators": counted.administrators, "without": counted.without_count}
    record("users.organization.second_factor_rule_set", actor=actor, details=details)
    return True
