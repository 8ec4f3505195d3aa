"""Every URL of Gatehouse."""

from django.urls import include, path

from portal import branding, health, metrics_page, seen
from portal.user_portal import federation, initiate, logout

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/seen", seen.seen, name="seen"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_page.show, name="metrics"),
    path("oauth/login/<slug:slug>/", federation.begin, name="federation_begin"),
    path("oauth/callback/<slug:slug>", federation.callback, name="federation_callback"),
    path("oauth/initiate/<slug:slug>", initiate.initiate, name="initiate_login"),
    path("oauth/frontchannel-logout/<slug:slug>", logout.frontchannel_logout, name="frontchannel_logout"),
    path("oauth/backchannel-logout/<slug:slug>", logout.backchannel_logout, name="backchannel_logout"),
    path("branding/logo/<slug:address>.png", branding.logo, name="logo"),
    path("admin/", include("portal.admin_portal.urls")),
    path("", include("portal.user_portal.urls")),
]

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"
