"""The permission table: what each role may do."""

from types import SimpleNamespace

import pytest

from tests.factories import OPERATOR
from tests.users.support import VISITOR, refused
from users.errors import PermissionRefused
from users.models import AdminRole
from users.permissions import ROLE_PERMISSIONS, Permission, permissions_of
from users.services import require

TABLE = """
permission                  administrator_with_billing  administrator  help_desk  read_only
open_admin_portal           yes                         yes            yes        yes
view_people                 yes                         yes            yes        yes
support_people              yes                         yes            yes        no
manage_people               yes                         yes            no         no
export_people               yes                         yes            no         yes
view_identity_providers     yes                         yes            no         yes
manage_identity_providers   yes                         no             no         no
view_access_policies        yes                         yes            no         yes
manage_access_policies      yes                         yes            no         no
view_audit                  yes                         yes            no         yes
view_administrators         yes                         yes            no         yes
manage_administrators       yes                         no             no         no
view_organization           yes                         yes            no         yes
manage_organization         yes                         no             no         no
"""
ROLES, *ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize(("role", "column"), [(role, number) for number, role in enumerate(ROLES) if number])
def test_a_role_allows_what_the_table_says(role: str, column: int) -> None:
    allowed = {row[0] for row in ROWS if row[column] == "yes"}
    assert ROLE_PERMISSIONS[role] == allowed


def test_the_table_names_every_role_and_every_permission() -> None:
    assert set(ROLES[1:]) == set(AdminRole.values) == set(ROLE_PERMISSIONS)
    assert {row[0] for row in ROWS} == set(Permission)


@pytest.mark.parametrize(("is_active", "role"), [(True, None), (False, AdminRole.ADMINISTRATOR_WITH_BILLING)])
def test_without_a_role_or_a_live_account_nothing_is_allowed(is_active: bool, role: str | None) -> None:
    assert permissions_of(SimpleNamespace(is_active=is_active, admin_role=role)) == frozenset()  # type: ignore[arg-type]


@pytest.mark.parametrize("permission", Permission)
def test_an_operator_may_do_everything_and_a_visitor_nothing(permission: Permission) -> None:
    require(OPERATOR, permission)
    assert refused(PermissionRefused, require, actor=VISITOR, permission=permission).http_status == 403
