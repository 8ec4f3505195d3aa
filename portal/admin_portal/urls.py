"""The Admin Portal's addresses."""

from django.urls import path

from portal.admin_portal import (
    connection_tests,
    credentials,
    directory,
    home,
    identity_providers,
    links,
    organization,
    people,
    people_bulk,
    rehearsals,
    relinks,
    sessions,
    set_up,
    sign_in,
)

app_name = "admin_portal"

_PEOPLE = "user-management/users/"
_PROVIDERS = "directory-integrations/identity-providers/"
_CREDENTIALS = f"{_PROVIDERS}<uuid:pk>/credentials/"
_LINKS = f"{_PROVIDERS}<uuid:pk>/links/"

urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sign_in.sign_in, name="sign_in"),
    path("logout/", sign_in.sign_out, name="sign_out"),
    path("set-up/<str:token>/", set_up.set_up, name="set_up"),
    path(_PROVIDERS, identity_providers.index, name="identity_providers"),
    path(f"{_PROVIDERS}add/<slug:kind>/", identity_providers.add, name="add_identity_provider"),
    path(f"{_PROVIDERS}add/<slug:kind>/test/", connection_tests.test_new, name="test_new_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/", identity_providers.show, name="identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/edit/", identity_providers.edit, name="edit_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/edit/test/", connection_tests.test_edited, name="test_edited_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/test/", connection_tests.test_stored, name="test_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/rehearse/", rehearsals.begin, name="rehearse_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/rehearsals/<uuid:rehearsal>/", rehearsals.show, name="rehearsal"),
    path(_CREDENTIALS, credentials.show, name="identity_provider_credentials"),
    path(f"{_CREDENTIALS}add-secret/", credentials.add_secret, name="add_next_secret"),
    path(f"{_CREDENTIALS}promote-secret/", credentials.promote_secret, name="promote_next_secret"),
    path(f"{_CREDENTIALS}discard-secret/", credentials.discard_secret, name="discard_next_secret"),
    path(f"{_CREDENTIALS}new-certificate/", credentials.new_certificate, name="new_certificate"),
    path(f"{_CREDENTIALS}promote-certificate/", credentials.promote_certificate, name="promote_certificate"),
    path(f"{_CREDENTIALS}discard-certificate/", credentials.discard_certificate, name="discard_certificate"),
    path(f"{_CREDENTIALS}certificate/<slug:slot>/<slug:form>/", credentials.download, name="download_certificate"),
    path(_LINKS, links.index, name="identity_provider_links"),
    path(f"{_LINKS}pre-link/", links.pre_link, name="pre_link"),
    path(f"{_LINKS}pending/<uuid:pending>/", links.resolve, name="resolve_pending_link"),
    path(f"{_LINKS}pending/<uuid:pending>/dismiss/", links.dismiss, name="dismiss_pending_link"),
    path(f"{_LINKS}pending/<uuid:pending>/restore/", links.restore, name="restore_pending_link"),
    path(f"{_LINKS}<uuid:link>/unlink/", links.unlink, name="unlink"),
    path(f"{_LINKS}relink/", relinks.relink, name="relink"),
    path(f"{_LINKS}forget/", relinks.forget, name="forget_links"),
    path(f"{_LINKS}map/", relinks.map_accounts, name="map_links"),
    path(f"{_PROVIDERS}<uuid:pk>/activate/", identity_providers.activate, name="activate_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/deactivate/", identity_providers.deactivate, name="deactivate_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/delete/", identity_providers.delete, name="delete_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/discard/", identity_providers.discard, name="discard_identity_provider"),
    path(_PEOPLE, people.index, name="people"),
    path(f"{_PEOPLE}bulk/activate/", people_bulk.activate, name="activate_people"),
    path(f"{_PEOPLE}bulk/suspend/", people_bulk.suspend, name="suspend_people"),
    path(f"{_PEOPLE}bulk/add-to-group/", people_bulk.add_to_group, name="add_people_to_group"),
    path("insights/directory/", directory.index, name="directory"),
    path("insights/sessions/", sessions.index, name="sessions"),
    path("insights/sessions/<slug:key>/end/", sessions.end_one, name="end_session"),
    path("people/<uuid:person>/sessions/", sessions.of_person, name="person_sessions"),
    path("people/<uuid:person>/sessions/end/", sessions.end_all_of_person, name="end_person_sessions"),
    path("account/sessions/", sessions.own, name="own_sessions"),
    path("account/sessions/end-others/", sessions.end_own_others, name="end_other_own_sessions"),
    path("account/sessions/end-all/", sessions.end_own_all, name="end_all_own_sessions"),
    path("account/sessions/<slug:key>/end/", sessions.end_own, name="end_own_session"),
    path("settings/organization/", organization.show, name="organization"),
    path("settings/organization/profile/", organization.change_name, name="set_organization_name"),
    path("settings/organization/logo/", organization.change_logo, name="set_logo"),
    path("settings/organization/logo/remove/", organization.remove_logo, name="remove_logo"),
    path("settings/organization/support/", organization.change_support, name="set_support"),
    path("settings/organization/defaults/", organization.change_defaults, name="set_default_states"),
    path("settings/organization/limits/", organization.change, name="set_limits"),
]
