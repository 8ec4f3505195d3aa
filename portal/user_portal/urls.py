"""The User Portal's addresses."""

from django.urls import path

from portal.user_portal import account, confirm, home, profile, second_factor, security, sign_in

app_name = "user_portal"

_FACTOR = "security/second-factor/"

urlpatterns = [
    path("", home.home, name="home"),
    path("login/", sign_in.sign_in, name="sign_in"),
    path("login/second-factor/", second_factor.second_step, name="second_step"),
    path("login/password/", sign_in.password, name="password"),
    path("password/reset/", account.forgot_password, name="forgot_password"),
    path("password/reset/<slug:token>/", account.reset, name="reset_password"),
    path("invitation/<slug:token>/", account.accept_invitation, name="accept_invitation"),
    path("logout/", sign_in.sign_out, name="sign_out"),
    path("confirm/", confirm.confirm_it_is_you, name="confirm_it_is_you"),
    path("signed-out/", sign_in.signed_out, name="signed_out"),
    path("profile/", profile.profile, name="profile"),
    path("profile/edit/", profile.edit, name="edit_profile"),
    path("security/", security.security, name="security"),
    path("security/password/", account.password, name="own_password"),
    path(_FACTOR, second_factor.index, name="second_factor"),
    path(f"{_FACTOR}app/", second_factor.authenticator_app, name="authenticator_app"),
    path(f"{_FACTOR}app/remove/", second_factor.remove_authenticator_app, name="remove_authenticator_app"),
    path(f"{_FACTOR}passkeys/add/", second_factor.add_passkey, name="add_passkey"),
    path(f"{_FACTOR}passkeys/<uuid:passkey>/remove/", second_factor.remove_passkey, name="remove_passkey"),
    path(f"{_FACTOR}recovery-codes/", second_factor.recovery_codes, name="recovery_codes"),
    path("security/sessions/end-others/", security.end_others, name="end_other_sessions"),
    path("security/sessions/end-all/", security.end_all, name="end_all_sessions"),
    path("security/sessions/<slug:key>/end/", security.end_one, name="end_session"),
]
