"""The Admin Portal's addresses."""

from django.urls import path

from portal.admin_portal import directory, home, identity_providers, set_up, sign_in

app_name = "admin_portal"

_PROVIDERS = "directory-integrations/identity-providers/"

urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sign_in.sign_in, name="sign_in"),
    path("logout/", sign_in.sign_out, name="sign_out"),
    path("set-up/<str:token>/", set_up.set_up, name="set_up"),
    path(_PROVIDERS, identity_providers.index, name="identity_providers"),
    path(f"{_PROVIDERS}add/<slug:kind>/", identity_providers.add, name="add_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/", identity_providers.show, name="identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/edit/", identity_providers.edit, name="edit_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/test/", identity_providers.test, name="test_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/activate/", identity_providers.activate, name="activate_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/deactivate/", identity_providers.deactivate, name="deactivate_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/delete/", identity_providers.delete, name="delete_identity_provider"),
    path(f"{_PROVIDERS}<uuid:pk>/discard/", identity_providers.discard, name="discard_identity_provider"),
    path("insights/directory/", directory.index, name="directory"),
]
