"""Every address of the Admin Portal, for everybody who may knock: one table."""

from uuid import UUID

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import URLPattern, get_resolver, reverse
from django.urls.converters import IntConverter

from idp.models import AccessPolicy, FederatedIdentity, IdentityProvider, PendingLink, Rehearsal, RoutingPolicy
from portal.admin_portal import urls as admin_urls
from tests.browsing import Browser, assert_refused, last_event
from tests.entra_tenant import PracticeTenant
from tests.factories import PASSWORD, make_administrator, make_person, make_provider
from users.models import AdminRole, AuditEvent, Group, User

pytestmark = pytest.mark.django_db

# sign-in: sent to the sign-in page. home: sent to the Admin Portal's first page. Numbers: the status.
# Forms are sent empty: 422 and 400 say that the visitor got through and the form was looked at.
TABLE = """
address                       method  anonymous  person   billing  administrator  help_desk  read_only
home                          GET     sign-in    sign-in  200      200            200        200
home                          POST    sign-in    sign-in  405      405            405        405
sign_in                       GET     200        200      home     home           home       home
sign_in                       POST    422        422      422      422            422        422
sign_out                      GET     405        405      405      405            405        405
sign_out                      POST    sign-in    sign-in  sign-in  sign-in        sign-in    sign-in
second_step                   GET     sign-in    sign-in  sign-in  sign-in        sign-in    sign-in
second_step                   POST    sign-in    sign-in  sign-in  sign-in        sign-in    sign-in
confirm_it_is_you             GET     sign-in    sign-in  200      200            200        200
confirm_it_is_you             POST    sign-in    sign-in  422      422            422        422
break_glass                   GET     410        410      410      410            410        410
break_glass                   POST    410        410      410      410            410        410
set_up                        GET     410        410      410      410            410        410
set_up                        POST    410        410      410      410            410        410
import_people                 GET     sign-in    sign-in  200      200            403        403
import_people                 POST    sign-in    sign-in  422      422            403        403
people_template               GET     sign-in    sign-in  200      200            403        403
people_template               POST    sign-in    sign-in  405      405            405        405
people_import                 GET     sign-in    sign-in  404      404            403        403
people_import                 POST    sign-in    sign-in  405      405            405        405
advance_people_import         GET     sign-in    sign-in  405      405            405        405
advance_people_import         POST    sign-in    sign-in  404      404            403        403
confirm_people_import         GET     sign-in    sign-in  405      405            405        405
confirm_people_import         POST    sign-in    sign-in  404      404            403        403
discard_people_import         GET     sign-in    sign-in  405      405            405        405
discard_people_import         POST    sign-in    sign-in  404      404            403        403
people_import_problems        GET     sign-in    sign-in  404      404            403        403
people_import_problems        POST    sign-in    sign-in  405      405            405        405
export_people                 GET     sign-in    sign-in  200      200            403        200
export_people                 POST    sign-in    sign-in  405      405            405        405
identity_providers            GET     sign-in    sign-in  200      200            403        200
identity_providers            POST    sign-in    sign-in  405      405            405        405
add_identity_provider         GET     sign-in    sign-in  200      403            403        403
add_identity_provider         POST    sign-in    sign-in  422      403            403        403
identity_provider             GET     sign-in    sign-in  200      200            403        200
identity_provider             POST    sign-in    sign-in  405      405            405        405
test_new_identity_provider    GET     sign-in    sign-in  405      405            405        405
test_new_identity_provider    POST    sign-in    sign-in  422      403            403        403
edit_identity_provider        GET     sign-in    sign-in  200      403            403        403
edit_identity_provider        POST    sign-in    sign-in  422      403            403        403
test_edited_identity_provider GET     sign-in    sign-in  405      405            405        405
test_edited_identity_provider POST    sign-in    sign-in  422      403            403        403
rehearse_identity_provider    GET     sign-in    sign-in  405      405            405        405
rehearse_identity_provider    POST    sign-in    sign-in  303      403            403        403
rehearsal                     GET     sign-in    sign-in  200      403            403        403
rehearsal                     POST    sign-in    sign-in  405      405            405        405
test_identity_provider        GET     sign-in    sign-in  405      405            405        405
test_identity_provider        POST    sign-in    sign-in  302      403            403        403
identity_provider_credentials GET     sign-in    sign-in  200      200            403        200
identity_provider_credentials POST    sign-in    sign-in  405      405            405        405
add_next_secret               GET     sign-in    sign-in  405      405            405        405
add_next_secret               POST    sign-in    sign-in  422      403            403        403
promote_next_secret           GET     sign-in    sign-in  405      405            405        405
promote_next_secret           POST    sign-in    sign-in  409      403            403        403
discard_next_secret           GET     sign-in    sign-in  405      405            405        405
discard_next_secret           POST    sign-in    sign-in  409      403            403        403
new_certificate               GET     sign-in    sign-in  405      405            405        405
new_certificate               POST    sign-in    sign-in  302      403            403        403
promote_certificate           GET     sign-in    sign-in  405      405            405        405
promote_certificate           POST    sign-in    sign-in  409      403            403        403
discard_certificate           GET     sign-in    sign-in  405      405            405        405
discard_certificate           POST    sign-in    sign-in  409      403            403        403
download_certificate          GET     sign-in    sign-in  404      404            403        404
download_certificate          POST    sign-in    sign-in  405      405            405        405
identity_provider_links       GET     sign-in    sign-in  200      200            403        200
identity_provider_links       POST    sign-in    sign-in  405      405            405        405
pre_link                      GET     sign-in    sign-in  200      403            403        403
pre_link                      POST    sign-in    sign-in  422      403            403        403
resolve_pending_link          GET     sign-in    sign-in  200      403            403        403
resolve_pending_link          POST    sign-in    sign-in  404      403            403        403
dismiss_pending_link          GET     sign-in    sign-in  405      405            405        405
dismiss_pending_link          POST    sign-in    sign-in  302      403            403        403
restore_pending_link          GET     sign-in    sign-in  405      405            405        405
restore_pending_link          POST    sign-in    sign-in  302      403            403        403
unlink                        GET     sign-in    sign-in  200      403            403        403
unlink                        POST    sign-in    sign-in  302      403            403        403
relink                        GET     sign-in    sign-in  200      403            403        403
relink                        POST    sign-in    sign-in  405      405            405        405
forget_links                  GET     sign-in    sign-in  200      403            403        403
forget_links                  POST    sign-in    sign-in  400      403            403        403
map_links                     GET     sign-in    sign-in  200      403            403        403
map_links                     POST    sign-in    sign-in  422      403            403        403
activate_identity_provider    GET     sign-in    sign-in  200      403            403        403
activate_identity_provider    POST    sign-in    sign-in  400      403            403        403
deactivate_identity_provider  GET     sign-in    sign-in  302      403            403        403
deactivate_identity_provider  POST    sign-in    sign-in  302      403            403        403
delete_identity_provider      GET     sign-in    sign-in  200      403            403        403
delete_identity_provider      POST    sign-in    sign-in  400      403            403        403
discard_identity_provider     GET     sign-in    sign-in  405      405            405        405
discard_identity_provider     POST    sign-in    sign-in  302      403            403        403
archive_identity_provider     GET     sign-in    sign-in  200      403            403        403
archive_identity_provider     POST    sign-in    sign-in  400      403            403        403
restore_identity_provider     GET     sign-in    sign-in  405      405            405        405
restore_identity_provider     POST    sign-in    sign-in  302      403            403        403
impact_people                 GET     sign-in    sign-in  200      403            403        403
impact_people                 POST    sign-in    sign-in  405      405            405        405
impact_csv                    GET     sign-in    sign-in  200      403            403        403
impact_csv                    POST    sign-in    sign-in  405      405            405        405
confirm_guard                 GET     sign-in    sign-in  405      405            405        405
confirm_guard                 POST    sign-in    sign-in  409      403            403        403
take_back_guarded             GET     sign-in    sign-in  405      405            405        405
take_back_guarded             POST    sign-in    sign-in  409      403            403        403
who_goes_where                GET     sign-in    sign-in  200      200            403        200
who_goes_where                POST    sign-in    sign-in  405      405            405        405
identity_provider_claims      GET     sign-in    sign-in  200      200            403        200
identity_provider_claims      POST    sign-in    sign-in  405      405            405        405
map_claim                     GET     sign-in    sign-in  405      405            405        405
map_claim                     POST    sign-in    sign-in  422      403            403        403
unmap_claim                   GET     sign-in    sign-in  405      405            405        405
unmap_claim                   POST    sign-in    sign-in  404      403            403        403
add_claim_group               GET     sign-in    sign-in  405      405            405        405
add_claim_group               POST    sign-in    sign-in  422      403            403        403
remove_claim_group            GET     sign-in    sign-in  405      405            405        405
remove_claim_group            POST    sign-in    sign-in  404      403            403        403
set_jit                       GET     sign-in    sign-in  405      405            405        405
set_jit                       POST    sign-in    sign-in  422      403            403        403
add_routing_policy            GET     sign-in    sign-in  200      403            403        403
add_routing_policy            POST    sign-in    sign-in  422      403            403        403
routing_policy                GET     sign-in    sign-in  200      200            403        200
routing_policy                POST    sign-in    sign-in  405      405            405        405
edit_routing_policy           GET     sign-in    sign-in  200      403            403        403
edit_routing_policy           POST    sign-in    sign-in  422      403            403        403
enable_routing_policy         GET     sign-in    sign-in  405      405            405        405
enable_routing_policy         POST    sign-in    sign-in  302      403            403        403
disable_routing_policy        GET     sign-in    sign-in  405      405            405        405
disable_routing_policy        POST    sign-in    sign-in  302      403            403        403
move_routing_policy           GET     sign-in    sign-in  405      405            405        405
move_routing_policy           POST    sign-in    sign-in  422      403            403        403
delete_routing_policy         GET     sign-in    sign-in  405      405            405        405
delete_routing_policy         POST    sign-in    sign-in  302      403            403        403
access_policies               GET     sign-in    sign-in  200      200            403        200
access_policies               POST    sign-in    sign-in  405      405            405        405
add_access_policy             GET     sign-in    sign-in  200      200            403        403
add_access_policy             POST    sign-in    sign-in  422      422            403        403
set_default_access            GET     sign-in    sign-in  405      405            405        405
set_default_access            POST    sign-in    sign-in  302      302            403        403
access_policy                 GET     sign-in    sign-in  200      200            403        200
access_policy                 POST    sign-in    sign-in  405      405            405        405
edit_access_policy            GET     sign-in    sign-in  200      200            403        403
edit_access_policy            POST    sign-in    sign-in  422      422            403        403
enable_access_policy          GET     sign-in    sign-in  405      405            405        405
enable_access_policy          POST    sign-in    sign-in  200      200            403        403
disable_access_policy         GET     sign-in    sign-in  405      405            405        405
disable_access_policy         POST    sign-in    sign-in  302      302            403        403
move_access_policy            GET     sign-in    sign-in  405      405            405        405
move_access_policy            POST    sign-in    sign-in  422      422            403        403
delete_access_policy          GET     sign-in    sign-in  405      405            405        405
delete_access_policy          POST    sign-in    sign-in  200      200            403        403
people                        GET     sign-in    sign-in  200      200            200        200
people                        POST    sign-in    sign-in  405      405            405        405
activate_people               GET     sign-in    sign-in  405      405            405        405
activate_people               POST    sign-in    sign-in  422      422            403        403
suspend_people                GET     sign-in    sign-in  405      405            405        405
suspend_people                POST    sign-in    sign-in  422      422            422        403
add_people_to_group           GET     sign-in    sign-in  405      405            405        405
add_people_to_group           POST    sign-in    sign-in  422      422            403        403
add_person                    GET     sign-in    sign-in  200      200            403        403
add_person                    POST    sign-in    sign-in  422      422            403        403
person                        GET     sign-in    sign-in  200      200            200        200
person                        POST    sign-in    sign-in  405      405            405        405
edit_person                   GET     sign-in    sign-in  200      200            403        403
edit_person                   POST    sign-in    sign-in  422      422            403        403
person_sign_in                GET     sign-in    sign-in  200      200            200        200
person_sign_in                POST    sign-in    sign-in  405      405            405        405
person_activity               GET     sign-in    sign-in  200      200            403        200
person_activity               POST    sign-in    sign-in  405      405            405        405
suspend_person                GET     sign-in    sign-in  200      200            200        403
suspend_person                POST    sign-in    sign-in  302      302            302        403
activate_person               GET     sign-in    sign-in  200      200            403        403
activate_person               POST    sign-in    sign-in  302      302            403        403
unschedule_person             GET     sign-in    sign-in  405      405            405        405
unschedule_person             POST    sign-in    sign-in  409      409            409        403
send_person_password_reset    GET     sign-in    sign-in  405      405            405        405
send_person_password_reset    POST    sign-in    sign-in  302      302            302        403
send_person_invitation        GET     sign-in    sign-in  405      405            405        405
send_person_invitation        POST    sign-in    sign-in  302      302            403        403
reset_person_factor           GET     sign-in    sign-in  405      405            405        405
reset_person_factor           POST    sign-in    sign-in  302      302            302        403
unlock_person                 GET     sign-in    sign-in  405      405            405        405
unlock_person                 POST    sign-in    sign-in  302      302            302        403
add_person_to_group           GET     sign-in    sign-in  405      405            405        405
add_person_to_group           POST    sign-in    sign-in  422      422            403        403
remove_person_from_group      GET     sign-in    sign-in  405      405            405        405
remove_person_from_group      POST    sign-in    sign-in  302      302            403        403
delete_person                 GET     sign-in    sign-in  200      200            403        403
delete_person                 POST    sign-in    sign-in  400      400            403        403
groups                        GET     sign-in    sign-in  200      200            200        200
groups                        POST    sign-in    sign-in  405      405            405        405
add_group                     GET     sign-in    sign-in  200      200            403        403
add_group                     POST    sign-in    sign-in  422      422            403        403
group                         GET     sign-in    sign-in  200      200            200        200
group                         POST    sign-in    sign-in  405      405            405        405
edit_group                    GET     sign-in    sign-in  200      200            403        403
edit_group                    POST    sign-in    sign-in  422      422            403        403
delete_group                  GET     sign-in    sign-in  200      200            403        403
delete_group                  POST    sign-in    sign-in  302      302            403        403
add_group_members             GET     sign-in    sign-in  200      200            403        403
add_group_members             POST    sign-in    sign-in  302      302            403        403
paste_group_members           GET     sign-in    sign-in  405      405            405        405
paste_group_members           POST    sign-in    sign-in  422      422            403        403
remove_group_members          GET     sign-in    sign-in  405      405            405        405
remove_group_members          POST    sign-in    sign-in  302      302            403        403
directory                     GET     sign-in    sign-in  200      200            403        200
directory                     POST    sign-in    sign-in  405      405            405        405
audit_event                   GET     sign-in    sign-in  200      200            403        200
audit_event                   POST    sign-in    sign-in  405      405            405        405
export_events                 GET     sign-in    sign-in  405      405            405        405
export_events                 POST    sign-in    sign-in  400      400            403        400
save_filter                   GET     sign-in    sign-in  405      405            405        405
save_filter                   POST    sign-in    sign-in  422      422            403        422
delete_filter                 GET     sign-in    sign-in  405      405            405        405
delete_filter                 POST    sign-in    sign-in  404      404            403        404
sessions                      GET     sign-in    sign-in  200      200            200        200
sessions                      POST    sign-in    sign-in  405      405            405        405
end_session                   GET     sign-in    sign-in  405      405            405        405
end_session                   POST    sign-in    sign-in  302      302            302        403
person_sessions               GET     sign-in    sign-in  200      200            200        200
person_sessions               POST    sign-in    sign-in  405      405            405        405
end_person_sessions           GET     sign-in    sign-in  405      405            405        405
end_person_sessions           POST    sign-in    sign-in  302      302            302        403
own_sessions                  GET     sign-in    sign-in  200      200            200        200
own_sessions                  POST    sign-in    sign-in  405      405            405        405
end_own_session               GET     sign-in    sign-in  405      405            405        405
end_own_session               POST    sign-in    sign-in  302      302            302        302
end_other_own_sessions        GET     sign-in    sign-in  405      405            405        405
end_other_own_sessions        POST    sign-in    sign-in  302      302            302        302
end_all_own_sessions          GET     sign-in    sign-in  405      405            405        405
end_all_own_sessions          POST    sign-in    sign-in  sign-in  sign-in        sign-in    sign-in
own_password                  GET     sign-in    sign-in  200      200            200        200
own_password                  POST    sign-in    sign-in  422      422            422        422
new_own_password              GET     sign-in    sign-in  403      403            403        403
new_own_password              POST    sign-in    sign-in  403      403            403        403
forgot_password               GET     200        200      200      200            200        200
forgot_password               POST    422        422      422      422            422        422
reset_password                GET     410        410      410      410            410        410
reset_password                POST    410        410      410      410            410        410
accept_invitation             GET     410        410      410      410            410        410
accept_invitation             POST    410        410      410      410            410        410
administrators                GET     sign-in    sign-in  200      200            403        200
administrators                POST    sign-in    sign-in  405      405            405        405
invite_administrator          GET     sign-in    sign-in  200      403            403        403
invite_administrator          POST    sign-in    sign-in  422      403            403        403
administrator                 GET     sign-in    sign-in  200      200            403        200
administrator                 POST    sign-in    sign-in  405      405            405        405
administrator_role            GET     sign-in    sign-in  200      403            403        403
administrator_role            POST    sign-in    sign-in  405      405            405        405
set_administrator_role        GET     sign-in    sign-in  405      405            405        405
set_administrator_role        POST    sign-in    sign-in  422      403            403        403
administrator_removal         GET     sign-in    sign-in  200      403            403        403
administrator_removal         POST    sign-in    sign-in  405      405            405        405
remove_administrator          GET     sign-in    sign-in  405      405            405        405
remove_administrator          POST    sign-in    sign-in  302      403            403        403
send_administrator_reset      GET     sign-in    sign-in  405      405            405        405
send_administrator_reset      POST    sign-in    sign-in  302      403            403        403
unlock_administrator          GET     sign-in    sign-in  405      405            405        405
unlock_administrator          POST    sign-in    sign-in  302      403            403        403
invite_administrator_again    GET     sign-in    sign-in  405      405            405        405
invite_administrator_again    POST    sign-in    sign-in  409      403            403        403
withdraw_admin_invitation     GET     sign-in    sign-in  405      405            405        405
withdraw_admin_invitation     POST    sign-in    sign-in  409      403            403        403
second_factor                 GET     sign-in    sign-in  200      200            200        200
second_factor                 POST    sign-in    sign-in  405      405            405        405
authenticator_app             GET     sign-in    sign-in  200      200            200        200
authenticator_app             POST    sign-in    sign-in  422      422            422        422
remove_authenticator_app      GET     sign-in    sign-in  405      405            405        405
remove_authenticator_app      POST    sign-in    sign-in  302      302            302        302
add_passkey                   GET     sign-in    sign-in  200      200            200        200
add_passkey                   POST    sign-in    sign-in  422      422            422        422
remove_passkey                GET     sign-in    sign-in  405      405            405        405
remove_passkey                POST    sign-in    sign-in  302      302            302        302
recovery_codes                GET     sign-in    sign-in  200      200            200        200
recovery_codes                POST    sign-in    sign-in  409      409            409        409
organization                  GET     sign-in    sign-in  200      200            403        200
organization                  POST    sign-in    sign-in  405      405            405        405
set_organization_name         GET     sign-in    sign-in  405      405            405        405
set_organization_name         POST    sign-in    sign-in  302      403            403        403
set_logo                      GET     sign-in    sign-in  405      405            405        405
set_logo                      POST    sign-in    sign-in  422      403            403        403
remove_logo                   GET     sign-in    sign-in  405      405            405        405
remove_logo                   POST    sign-in    sign-in  302      403            403        403
set_support                   GET     sign-in    sign-in  405      405            405        405
set_support                   POST    sign-in    sign-in  302      403            403        403
set_default_states            GET     sign-in    sign-in  405      405            405        405
set_default_states            POST    sign-in    sign-in  422      403            403        403
set_limits                    GET     sign-in    sign-in  405      405            405        405
set_limits                    POST    sign-in    sign-in  422      403            403        403
set_second_factor_rule        GET     sign-in    sign-in  405      405            405        405
set_second_factor_rule        POST    sign-in    sign-in  302      403            403        403
"""
HEADINGS, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
VISITORS = HEADINGS[2:]
ROLES = {"billing": AdminRole.ADMINISTRATOR_WITH_BILLING, **{role.value: role for role in AdminRole}}


@pytest.fixture
def draft(tenant: PracticeTenant) -> IdentityProvider:
    """A provider that every address can be about."""
    return make_provider(tenant, active=False)


def knock(browser: Browser, method: str, name: str, provider: IdentityProvider | None) -> HttpResponse:
    parameters = {
        "kind": "entra",
        "pk": provider.pk if provider else "",
        "token": "made-up",
        "slot": "next",
        "form": "cer",
    }
    parameters["key"] = "made-up"
    parameters |= {"field": "title", "rule": 0}
    parameters["passkey"] = UUID(int=1)
    parameters["people_import"] = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
    pattern = next(pattern for pattern in admin_urls.urlpatterns if pattern.name == name)
    if "administrator" in pattern.pattern.converters:
        parameters["administrator"] = make_administrator(AdminRole.READ_ONLY).pk
    if "person" in pattern.pattern.converters:
        parameters["person"] = (User.objects.without_role().first() or make_person()).pk
    if "group" in pattern.pattern.converters:
        parameters["group"] = Group.objects.get_or_create(name="Engineers")[0].pk
    if "policy" in pattern.pattern.converters:
        stored = IdentityProvider.objects.filter(pk=provider.pk).first() if provider else None
        named = stored or IdentityProvider.objects.get_or_create(kind="oidc", slug="oidc", name="Acme")[0]
        values = {"provider": named, "everyone": True, "enabled": False, "position": 1}
        parameters["policy"] = RoutingPolicy.objects.get_or_create(name="Engineers", defaults=values)[0].pk
    if "access_policy" in pattern.pattern.converters:
        values = {"action": "deny", "everyone": True, "enabled": False, "position": 1}
        parameters["access_policy"] = AccessPolicy.objects.get_or_create(name="Engineers", defaults=values)[0].pk
    if provider and "rehearsal" in pattern.pattern.converters:
        parameters["rehearsal"] = rehearsal_of(provider)
    if isinstance(pattern.pattern.converters.get("pk"), IntConverter):  # an audit row; or a saved filter, which is none
        parameters["pk"] = last_event().pk if name == "audit_event" and AuditEvent.objects.exists() else 0
    account = {"provider": provider, "issuer": provider.issuer if provider else "", "subject": "made-up"}
    if provider and "pending" in pattern.pattern.converters:
        parameters["pending"] = PendingLink.objects.get_or_create(**account)[0].pk
    if provider and "link" in pattern.pattern.converters:
        person = User.objects.without_role().first() or make_person()
        parameters["link"] = FederatedIdentity.objects.get_or_create(**account, defaults={"person": person})[0].pk
    needed = {key: parameters[key] for key in pattern.pattern.converters}
    return browser.generic(method, reverse(f"admin_portal:{name}", kwargs=needed))


def rehearsal_of(provider: IdentityProvider) -> UUID:
    known = Rehearsal.objects.filter(provider=provider).first()
    if known is None:
        known = Rehearsal.objects.create(provider=provider, provider_version=1, administrator=make_administrator())
    return known.pk


def seen(response: HttpResponse) -> str:
    target = response.get("Location", "").partition("?")[0]
    return {"/admin/login/": "sign-in", "/admin/": "home"}.get(target, str(response.status_code))


def visitor(who: str) -> Browser:
    browser = Browser()
    if who == "person":
        browser.sign_in_with_password(make_person(password=PASSWORD))
    elif who in ROLES:
        browser.sign_in_as_administrator(make_administrator(ROLES[who]))
    return browser


@pytest.mark.parametrize(("name", "method", "expected"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_each_address_opens_to_whom_the_table_says(
    name: str, method: str, expected: list[str], request: pytest.FixtureRequest
) -> None:
    pattern = next(pattern for pattern in admin_urls.urlpatterns if pattern.name == name)
    provider = request.getfixturevalue("draft") if {"pk", "policy"} & set(pattern.pattern.converters) else None
    answers = {who: seen(knock(visitor(who), method, name, provider)) for who in reversed(VISITORS)}
    assert answers == dict(zip(VISITORS, expected, strict=True))


def test_the_table_has_each_address_twice() -> None:
    (admin,) = [entry for entry in get_resolver().url_patterns if str(entry.pattern) == "admin/"]
    patterns = admin.url_patterns
    assert all(isinstance(pattern, URLPattern) and pattern.name for pattern in patterns)
    expected = [(pattern.name, method) for pattern in patterns for method in ("GET", "POST")]
    assert [(row[0], row[1]) for row in ROWS] == expected or sorted((row[0], row[1]) for row in ROWS) == sorted(
        expected
    )


def test_each_address_names_its_permission_or_is_public() -> None:
    public = {"sign_in", "second_step", "sign_out", "set_up"}
    public |= {"forgot_password", "reset_password", "accept_invitation", "break_glass"}
    for pattern in admin_urls.urlpatterns:
        has_permission = hasattr(pattern.callback, "admin_permission")
        assert has_permission != (pattern.name in public), pattern.name
        assert getattr(pattern.callback, "login_required", True) != (pattern.name in public), pattern.name


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_no_address_knows_another_method(method: str, draft: IdentityProvider) -> None:
    browser = visitor("billing")
    for pattern in admin_urls.urlpatterns:
        assert knock(browser, method, pattern.name, draft).status_code in {405, 410}, pattern.name
    draft.refresh_from_db()
    assert browser.is_administering


def test_a_person_under_the_administrators_cookie_name_stays_outside(draft: IdentityProvider) -> None:
    browser = visitor("person")
    browser.cookies[settings.ADMIN_COOKIE_NAMES[settings.SESSION_COOKIE_NAME]] = browser.session_cookie
    for pattern in admin_urls.urlpatterns:
        if hasattr(pattern.callback, "admin_permission"):
            for method in ("GET", "POST"):
                assert seen(knock(browser, method, pattern.name, draft)) in {"sign-in", "405"}, pattern.name
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_a_federated_session_stays_outside(provider: IdentityProvider, ada: User, browser_client: Browser) -> None:
    browser_client.federated_sign_in()
    browser_client.cookies[settings.ADMIN_COOKIE_NAMES[settings.SESSION_COOKIE_NAME]] = browser_client.session_cookie
    User.objects.filter(pk=ada.pk).update(admin_role=AdminRole.ADMINISTRATOR_WITH_BILLING)
    assert not browser_client.is_administering


def test_a_refused_page_says_so_and_is_audited() -> None:
    response = visitor("help_desk").get("/admin/insights/directory/")
    assert_refused(response, "users.permission_refused", action="portal.request.refused")
    assert "Help Desk" in response.content.decode()


@pytest.mark.parametrize("who", ["help_desk", "read_only", "administrator", "billing"])
def test_nobody_is_shown_what_she_may_not_open(who: str, draft: IdentityProvider) -> None:
    page = visitor(who).get("/admin/").content.decode()
    assert ("identity-providers/" in page) == ("insights/directory/" in page) == (who != "help_desk")
    if who != "help_desk":
        provider_page = (
            visitor(who).get(f"/admin/directory-integrations/identity-providers/{draft.pk}/").content.decode()
        )
        assert ("Delete IdP" in provider_page) == ("Test connection" in provider_page) == (who == "billing")
