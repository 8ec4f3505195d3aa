"""What Microsoft's error numbers mean, and what cures them (reference/entra.md 1.6)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """For the administrator: what happened, which screen cures it, and our form field that is concerned.

    Attributes:
        field: `url`, `client_id`, `client_secret` or `certificate`, where one of them is wrong.
        accepted: the client credential was right; the provider refused for a later reason.
        person: the sentence for the person who signs in, where there is more to say than that it was refused.
        temporary: the provider is down rather than unwilling.
        ends_session: whether a refresh that is answered so is the end of the person's session; None where the OAuth
            word decides. A fault of the settings, which a field names, never ends one.
    """

    cause: str
    cure: str
    field: str = ""
    accepted: bool = False
    person: str = ""
    temporary: bool = False
    ends_session: bool | None = None


BUSY = "Your identity provider is temporarily unavailable."

_APPS = "Entra admin center > App registrations > your application"
_SECRETS = f"{_APPS} > Certificates & secrets"
_AUTHENTICATION = f"{_APPS} > Authentication"
_PERMISSIONS = f"{_APPS} > API permissions"
_ENTERPRISE = "Entra admin center > Enterprise applications > your application"
_SIGN_IN_LOG = "Entra admin center > Monitoring > Sign-in logs, by the correlation ID,"
_USERS = "Entra admin center > Users"
_COMPARE_IDS = (
    f'Compare Client ID with "Application (client) ID", and Entra IdP URL with "Directory (tenant) ID", in {_APPS} > '
    "Overview."
)

CODE_SPENT = Advice(
    "The authorization code was used before, has expired or belongs to another sign-in.",
    "Start the sign-in again; if it happens to everyone, check that each callback reaches Gatehouse only once.",
)
SESSION_OVER = Advice(
    "The provider has ended the person's session.",
    "The person signs in again; no setting has to be changed.",
    person="Your identity provider has ended your session there.",
    ends_session=True,
)
_CONSENT = Advice(
    "Nobody has consented to the application yet.",
    f'In {_ENTERPRISE} > Permissions, press "Grant admin consent".',
    accepted=True,
    person="Your company has not yet agreed to this application at its identity provider.",
)
_RETRY = Advice(
    "Microsoft is temporarily unavailable.",
    "Try again in a few minutes; nothing has to be changed.",
    person=BUSY,
    temporary=True,
)


def _policy(cause: str, person: str = "A sign-in policy of your company refused this sign-in.") -> Advice:
    """Conditional Access: the credential was right, the circumstances are not."""
    cure = f"{_SIGN_IN_LOG} shows the policy; change it, or exclude the application from it."
    return Advice(cause, cure, accepted=True, person=person, ends_session=True)


def _mfa(cause: str) -> Advice:
    cure = "Start the sign-in again and complete Microsoft's prompts; the Conditional Access policies decide on them."
    person = "Your identity provider asks for a second step; sign in again and complete it."
    return Advice(cause, cure, accepted=True, person=person, ends_session=True)


def _not_in_tenant(cause: str) -> Advice:
    return Advice(
        cause,
        f"Sign in with another account, or invite this one in {_USERS} and allow guests for this provider.",
        person="This account does not belong to your company; sign in with your company's account.",
        ends_session=True,
    )


def _over(cause: str, person: str = "Your identity provider has ended your session there.") -> Advice:
    return Advice(cause, SESSION_OVER.cure, person=person, ends_session=True)


def _other_cloud(cause: str) -> Advice:
    return Advice(cause, "Put the sign-in host of that cloud into Entra IdP URL.", "url")


def _redirect_uri(cause: str) -> Advice:
    cure = f"In {_AUTHENTICATION}, add our Redirect URI under Web, exactly as shown: scheme, host, path and slash."
    return Advice(cause, cure)


def _certificate(cause: str, cure: str) -> Advice:
    return Advice(cause, cure, "certificate")


def _disabled(cause: str) -> Advice:
    return Advice(cause, f'In {_ENTERPRISE} > Properties, set "Enabled for users to sign in?" to Yes.', "client_id")


AADSTS: dict[int, Advice] = {
    # The application's credential.
    7000215: Advice(
        "The client secret is wrong.",
        f"In {_SECRETS}, copy the Value (not the Secret ID) of a secret, and paste it into Client Secret.",
        "client_secret",
    ),
    7000222: Advice(
        "The client secret has expired.",
        f"In {_SECRETS}, create a new one, paste its Value into Client Secret, and note its expiry.",
        "client_secret",
    ),
    7000218: Advice(
        "No client secret arrived at Microsoft, which treats the application as a confidential one.",
        f"Paste the Value of a secret from {_SECRETS} into Client Secret.",
        "client_secret",
    ),
    700025: Advice(
        "The application is registered as a public client, which may not use a secret.",
        f"In {_AUTHENTICATION}, register our Redirect URI under the Web platform.",
        "client_id",
    ),
    9002327: Advice(
        "The redirect URI is registered for a single-page application, which may not use a secret.",
        f"In {_AUTHENTICATION}, remove our Redirect URI from Single-page application and add it under Web.",
        "client_id",
    ),
    700027: _certificate(
        "Microsoft does not know the certificate that signed the request, or its signature is wrong.",
        f"Upload the provider's current certificate in {_SECRETS} > Certificates, and compare the thumbprints.",
    ),
    50012: _certificate(
        "Microsoft refused the application's certificate.",
        f"Compare its thumbprint and its dates with those in {_SECRETS} > Certificates.",
    ),
    50013: _certificate(
        "Microsoft refused the application's signed assertion: its signature, audience or time is wrong.",
        f"Check the clock of this server, and compare the certificate with the one in {_SECRETS} > Certificates.",
    ),
    700024: _certificate(
        "The application's signed assertion is outside its time of validity.",
        f"Set the clock of this server by NTP; then check the certificate's dates in {_SECRETS} > Certificates.",
    ),
    # The application itself.
    700016: Advice("The application does not exist in this tenant.", _COMPARE_IDS, "client_id"),
    7000229: Advice("The application has no enterprise application in this tenant.", _COMPARE_IDS, "client_id"),
    7000112: _disabled("The application is disabled in the tenant."),
    70001: _disabled("The application is disabled, or not found in the tenant."),
    50194: Advice(
        "A single-tenant application was used with the multi-tenant authority (/common).",
        "Put the Directory (tenant) ID into Entra IdP URL.",
        "url",
    ),
    50146: Advice(
        "The application has a signing key of its own, because it maps claims.",
        f"In {_ENTERPRISE} > Single sign-on, remove the claims mapping with its signing key.",
    ),
    650056: Advice(
        "The application asks for permissions that are not registered.",
        f"In {_PERMISSIONS}, add openid, profile, email and User.Read, then grant admin consent.",
        accepted=True,
    ),
    700054: Advice(
        "The application may not receive ID tokens from the authorization endpoint.",
        f"Gatehouse uses the code flow; compare the registration's platform in {_AUTHENTICATION}: it has to be Web.",
    ),
    # The tenant and its cloud.
    90002: Advice(
        "Microsoft does not know the tenant.",
        "Compare Entra IdP URL with the Tenant ID in Entra admin center > Overview, and check that the cloud is yours.",
        "url",
    ),
    90038: _other_cloud("The tenant is in another national cloud, to which Microsoft redirects."),
    900382: _other_cloud("The tenant is in another national cloud, and the request may not cross over."),
    900432: _other_cloud("The application is confidential, which is not allowed across national clouds."),
    # The redirect URI.
    50011: _redirect_uri("The redirect URI is not one of those that are registered."),
    70004: _redirect_uri("The redirect URI is not valid for the application."),
    500112: _redirect_uri("The redirect URI differs from the one with which the sign-in began."),
    500113: _redirect_uri("No redirect URI is registered for the application."),
    900971: _redirect_uri("Microsoft found no redirect URI to answer to."),
    # Who may use the application, and under which policies.
    50105: Advice(
        "The person is not assigned to the application.",
        f'Assign the person or a group in {_ENTERPRISE} > Users and groups, or turn off "Assignment required".',
        person="You are not assigned to this application at your identity provider.",
        ends_session=True,
    ),
    65001: _CONSENT,
    90094: _CONSENT,
    65004: Advice(
        "The person cancelled, or did not agree to the application.",
        f'The person starts again; or in {_ENTERPRISE} > Permissions, press "Grant admin consent", so that nobody is '
        "asked.",
        person="You did not finish signing in at your identity provider.",
    ),
    53000: _policy(
        "Conditional Access asks for a compliant device.",
        "A policy of your company allows this sign-in only from a device that it manages.",
    ),
    53001: _policy(
        "Conditional Access asks for a device that is joined to the domain.",
        "A policy of your company allows this sign-in only from a device that it manages.",
    ),
    53002: _policy("Conditional Access asks for an approved client application."),
    53003: _policy("A Conditional Access policy blocked the sign-in."),
    50131: _policy("Conditional Access refused for the state of the device, the place or the risk."),
    530032: _policy("A security policy of the tenant blocked the sign-in."),
    530035: _policy("The tenant's security defaults blocked the sign-in."),
    50072: _mfa("The person has yet to enrol for multi-factor authentication."),
    50074: _mfa("Strong authentication is required, and the person did not pass it."),
    50076: _mfa("Multi-factor authentication is required."),
    50079: _mfa("The person has to enrol for multi-factor authentication, which has become required."),
    # The account.
    50020: _not_in_tenant("The account is from another directory and was not invited."),
    50034: _not_in_tenant("The account does not exist in this tenant."),
    51004: _not_in_tenant("The account does not exist in this tenant's directory."),
    90072: _not_in_tenant("The account is external and does not exist in this tenant."),
    50057: Advice(
        "The account is disabled.",
        f"Enable it in {_USERS} > the person > Properties > Account enabled.",
        person="Your account is disabled at your identity provider.",
        ends_session=True,
    ),
    50055: Advice(
        "The password has expired.",
        f"The person sets a new password at Microsoft; or reset it in {_USERS}.",
        person="Your password at your identity provider has expired; set a new one there.",
        ends_session=True,
    ),
    50053: Advice(
        "The account is locked, or its IP address is risky.",
        f"{_SIGN_IN_LOG} shows why; the lock opens by itself.",
        person="Your account is locked at your identity provider for a while.",
        ends_session=True,
    ),
    50126: Advice(
        "The user name or password is wrong.", f"The person tries again, or you reset the password in {_USERS}."
    ),
    50058: Advice("The person has no session at Microsoft.", "The person signs in interactively.", ends_session=True),
    # One sign-in that went wrong.
    54005: Advice(
        "The authorization code was redeemed before.",
        "Start the sign-in again; if it happens to everyone, check that each callback reaches Gatehouse only once.",
    ),
    70008: Advice(
        "The authorization code or refresh token has expired.",
        "Start the sign-in again; if it happens to everyone, check the clock of this server.",
        ends_session=True,
    ),
    9002313: Advice(
        "Microsoft found the request malformed, or its code cut short.",
        "Start the sign-in again; if it happens to everyone, check that no proxy shortens the address of the callback.",
    ),
    501481: Advice(
        "The code verifier does not fit the sign-in (PKCE): another browser or tab may have begun it.",
        "Start the sign-in again; if it happens to everyone, check that no proxy changes the authorization request.",
    ),
    700005: Advice(
        "The authorization code was issued for another tenant.",
        "Start the sign-in again; if it happens to everyone, compare Entra IdP URL with the Directory (tenant) ID.",
    ),
    # The end of a session.
    50173: _over("The grant was revoked, by a changed password or by an administrator."),
    70043: _over("The session is older than the sign-in frequency that Conditional Access sets."),
    700082: _over("The refresh token was not used for too long."),
    50132: _over("The session was ended because the password was reset or changed."),
    50133: _over(
        "The session was ended because the password has expired or was changed.",
        "Your password at your identity provider was changed or has expired; sign in again.",
    ),
    # Too much, or too busy.
    50196: Advice(
        "The application asks in a loop, so Microsoft pauses it.",
        "Wait a few minutes, then look for an automatic retry.",
        ends_session=False,
    ),
    90033: _RETRY,
    90006: _RETRY,
    50033: _RETRY,
}
