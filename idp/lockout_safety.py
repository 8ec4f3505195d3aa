"""What must hold before people are sent to a provider: somebody can still come in and repair."""

from idp.errors import NoLocalAdministrator
from users.factors import has_second_factor
from users.models import AdminRole, Organization, State, User


def require_local_administrator() -> None:
    """Refuse while a failing provider would leave nobody who can administer.

    Raises:
        NoLocalAdministrator: no active Administrator With Billing has a password, and a second factor where that is
            required of administrators.
    """
    needs_factor = Organization.current().second_factor_required
    billing = User.objects.filter(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING, state=State.ACTIVE)
    able = (person for person in billing if person.has_usable_password())
    if not any(has_second_factor(person) or not needs_factor for person in able):
        raise NoLocalAdministrator()
