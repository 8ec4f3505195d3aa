"""Every URL of Gatehouse."""

from django.urls import include, path

from portal import health
from portal.user_portal import federation

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("oauth/login/<slug:slug>/", federation.begin, name="federation_begin"),
    path("oauth/callback/<slug:slug>", federation.callback, name="federation_callback"),
    path("admin/", include("portal.admin_portal.urls")),
    path("", include("portal.user_portal.urls")),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"
