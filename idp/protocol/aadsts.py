"""What the errors of Microsoft (AADSTS numbers, reference/entra.md 1.6) and of OAuth mean, and what cures them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Advice:
    """For the administrator: what happened, which screen cures it, and our form field that is concerned.

    Attributes:
        accepted: the client credential was right; the provider refused for a later reason.
        person: the sentence for the person who signs in, where there is more to say than that it was refused.
    """

    cause: str
    cure: str
    field: str = ""
    accepted: bool = False
    person: str = ""


@dataclass(frozen=True)
class OAuthFailure:
    """The safe part of an OAuth error response (RFC 6749 sections 4.1.2.1 and 5.2)."""

    oauth_error: str
    aadsts: int | None = None
    correlation_id: str = ""
    timestamp: str = ""


_SECRETS = "Entra admin center > App registrations > your application > Certificates & secrets"
_AUTHENTICATION = "Entra admin center > App registrations > your application > Authentication"
_ENTERPRISE = "Entra admin center > Enterprise applications > your application"
_SIGN_IN_LOG = "Entra admin center > Monitoring > Sign-in logs, by the correlation ID,"

_CERTIFICATE = Advice(
    "Microsoft could not verify a certificate of the application.",
    f"Compare its thumbprint and dates in {_SECRETS}, or use a client secret.",
    "client_secret",
)
_APP_DISABLED = Advice(
    "The application is disabled in the tenant.",
    f'In {_ENTERPRISE} > Properties, set "Enabled for users to sign in?" to Yes.',
    "client_id",
)
_TENANT_UNKNOWN = Advice(
    "Microsoft does not know the tenant.",
    "Compare Entra IdP URL with the Tenant ID in Entra admin center > Overview, and check that the cloud is yours.",
    "url",
)
_OTHER_CLOUD = Advice(
    "The tenant is in another national cloud.", "Put the sign-in host of that cloud into Entra IdP URL.", "url"
)
_REDIRECT_URI = Advice(
    "The redirect URI is not registered.",
    f"In {_AUTHENTICATION}, add our Redirect URI under Web, exactly as shown: scheme, host, path and slash.",
)
_CONSENT = Advice(
    "Nobody has consented to the application yet.",
    f'In {_ENTERPRISE} > Permissions, press "Grant admin consent".',
    accepted=True,
    person="Your company has not yet agreed to this application at its identity provider.",
)
_DECLINED = Advice(
    "The person cancelled, or did not agree to the application.",
    "The person starts again; or grant admin consent once for everybody, so that nobody is asked.",
    person="You did not finish signing in at your identity provider.",
)
_CONDITIONAL_ACCESS = Advice(
    "A Conditional Access policy refused the sign-in.",
    f"{_SIGN_IN_LOG} shows the policy; change it, or exclude the application from it.",
    accepted=True,
    person="A sign-in policy of your company refused this sign-in.",
)
_MFA = Advice(
    "Microsoft asks for multi-factor authentication.",
    "Start the sign-in again and complete Microsoft's prompts; the Conditional Access policies decide on them.",
    accepted=True,
)
_NOT_IN_TENANT = Advice(
    "The account is not in this tenant.",
    "Sign in with another account, or invite it in Entra admin center > Users and allow guests for this provider.",
    person="This account does not belong to your company; sign in with your company's account.",
)
_CODE = Advice(
    "The authorization code was used before, has expired or belongs to another sign-in.",
    "Start the sign-in again; if it happens to everyone, check that each callback reaches Gatehouse only once.",
)
_SESSION_OVER = Advice(
    "Microsoft has ended the person's session.", "The person signs in again; no setting has to be changed."
)
_BUSY = "Your identity provider is temporarily unavailable."
_RETRY = Advice(
    "Microsoft is temporarily unavailable.", "Try again in a few minutes; nothing has to be changed.", person=_BUSY
)

_TABLE: dict[int, Advice] = {
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
        "No client secret arrived at Microsoft.",
        f"Paste the Value of a secret from {_SECRETS} into Client Secret.",
        "client_secret",
    ),
    700025: Advice(
        "The application is registered as a public client, which may not use a secret.",
        f"In {_AUTHENTICATION}, register our Redirect URI under the Web platform.",
        "client_id",
    ),
    700016: Advice(
        "The application does not exist in this tenant.",
        'Compare Client ID with "Application (client) ID", and Entra IdP URL with "Directory (tenant) ID", in '
        "Entra admin center > App registrations > your application > Overview.",
        "client_id",
    ),
    50194: Advice(
        "A single-tenant application was used with the multi-tenant authority.",
        "Put the Directory (tenant) ID into Entra IdP URL.",
        "url",
    ),
    700054: Advice(
        "The application may not receive ID tokens from the authorization endpoint.",
        f"Gatehouse uses the code flow; compare the registration's platform in {_AUTHENTICATION}: it has to be Web.",
    ),
    50105: Advice(
        "The person is not assigned to the application.",
        f'Assign the person or a group in {_ENTERPRISE} > Users and groups, or turn off "Assignment required".',
        person="You are not assigned to this application at your identity provider.",
    ),
    650056: Advice(
        "The application asks for permissions that are not registered.",
        "In App registrations > your application > API permissions, add openid, profile, email and User.Read, then "
        "grant admin consent.",
        accepted=True,
    ),
    50057: Advice("The account is disabled.", "Enable it in Entra admin center > Users."),
    50055: Advice("The password has expired.", "The person sets a new password at Microsoft."),
    50053: Advice("The account is locked, or its IP address is risky.", f"{_SIGN_IN_LOG} shows why."),
    50126: Advice("The user name or password is wrong.", "The person tries again, or resets it at Microsoft."),
    50058: Advice("The person has no session at Microsoft.", "The person signs in interactively."),
    50196: Advice("The application asks in a loop.", "Wait a few minutes, then look for an automatic retry."),
}
for _numbers, _advice in (
    ((700027, 50012, 50013), _CERTIFICATE),
    ((7000112, 70001), _APP_DISABLED),
    ((90002,), _TENANT_UNKNOWN),
    ((90038, 900382, 900432), _OTHER_CLOUD),
    ((50011, 70004, 500113, 900971), _REDIRECT_URI),
    ((65001, 90094), _CONSENT),
    ((65004,), _DECLINED),
    ((53003, 53000, 53001, 53002, 50131, 530032, 530035), _CONDITIONAL_ACCESS),
    ((50076, 50079, 50074, 50072), _MFA),
    ((50020, 50034, 51004, 90072), _NOT_IN_TENANT),
    ((54005, 70008, 9002313, 501481, 700005), _CODE),
    ((50173, 70043, 700082, 50132, 50133), _SESSION_OVER),
    ((90033, 90006, 50033), _RETRY),
):
    _TABLE.update(dict.fromkeys(_numbers, _advice))

# RFC 6749 sections 4.1.2.1 and 5.2, OIDC Core 3.1.2.6.
_OAUTH: dict[str, Advice] = {
    "invalid_request": Advice(
        "The provider found the request incomplete or malformed.", "Compare the provider's settings with ours."
    ),
    "invalid_client": Advice(
        "The provider did not accept the client ID and secret.",
        "Compare Client ID and Client Secret with the application at the provider.",
        "client_secret",
    ),
    "invalid_grant": _CODE,
    "unauthorized_client": Advice(
        "The application may not use this way of signing in.",
        "Allow the authorization code grant for the application at the provider.",
        "client_id",
    ),
    "unsupported_grant_type": Advice(
        "The provider does not offer this grant type.", "Allow the authorization code grant at the provider."
    ),
    "unsupported_response_type": Advice(
        "The provider does not offer the code flow to the application.", 'Allow response type "code" there.'
    ),
    "invalid_scope": Advice(
        "The provider does not allow a scope.", "Allow openid, profile and email for the application at the provider."
    ),
    "invalid_resource": Advice(
        "The provider does not know the resource.", "Grant the application's API permissions at the provider."
    ),
    "access_denied": Advice(
        "The person declined, or a policy of the provider refused.",
        "Check consent, assignment and policies for the application at the provider.",
        person="The sign-in was not finished at your identity provider: it was cancelled, or a policy refused it.",
    ),
    "consent_required": Advice("Consent is missing.", "Grant admin consent for the application at the provider."),
    "interaction_required": Advice(
        "The provider has to ask the person something.", "The person starts the sign-in again."
    ),
    "login_required": Advice("The person has no session at the provider.", "The person starts the sign-in again."),
    "account_selection_required": Advice(
        "The person has several sessions at the provider.", "The person starts the sign-in again and picks one."
    ),
    "server_error": Advice(
        "The provider failed.", "Try again in a few minutes; check the provider's status page.", person=_BUSY
    ),
    "temporarily_unavailable": Advice("The provider is overloaded.", "Try again in a few minutes.", person=_BUSY),
}
_FALLBACK = Advice(
    "The provider refused for a reason of its own.", "Look the error up in the provider's sign-in log by its time."
)

_AADSTS = re.compile(r"AADSTS(\d{4,8})", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z?", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)


def advice_for(failure: OAuthFailure) -> Advice:
    """Microsoft's number says more than the OAuth word; an unknown one falls back to the word."""
    if failure.aadsts in _TABLE:
        return _TABLE[failure.aadsts]
    return _OAUTH.get(failure.oauth_error, _FALLBACK)


def is_temporary(failure: OAuthFailure) -> bool:
    """Whether the provider is down rather than unwilling."""
    return advice_for(failure).person == _BUSY


def parse_failure(body: Mapping[str, Any]) -> OAuthFailure:
    """Reads an error response, a JSON body or the parameters of a redirect, and keeps only what has a known shape."""
    word = body.get("error")
    text = body.get("error_description")
    text = text[:4000] if isinstance(text, str) else ""
    return OAuthFailure(
        oauth_error=word if isinstance(word, str) and _WORD.fullmatch(word) else "unknown_error",
        aadsts=_number(body.get("error_codes"), text),
        correlation_id=_found(_GUID, body.get("correlation_id"), text.rpartition("Correlation ID:")[2]),
        timestamp=_found(_TIME, body.get("timestamp"), text.rpartition("Timestamp:")[2]),
    )


def _number(codes: object, text: str) -> int | None:
    if isinstance(codes, list) and codes and type(codes[0]) is int and 0 < codes[0] < 10**8:
        return codes[0]
    match = _AADSTS.search(text)
    return int(match[1]) if match else None


def _found(pattern: re.Pattern[str], value: object, text: str) -> str:
    """The value of a member, or what the description says, in its known shape only."""
    match = pattern.search(value[:100]) if isinstance(value, str) else None
    match = match or pattern.match(text.lstrip()[:100])
    return match[0] if match else ""
