"""What the error words of OAuth and OpenID Connect mean: for every provider, and for Microsoft's unknown numbers.

RFC 6749 sections 4.1.2.1 and 5.2, OIDC Core 3.1.2.6, RFC 8707 section 2.
"""

from idp.protocol.aadsts_table import BUSY, CODE_SPENT, Advice

_AGAIN = "The person starts the sign-in again."
_NOT_OURS = "Gatehouse does not send one: check that nothing between people and the provider changes addresses."

WORDS: dict[str, Advice] = {
    "invalid_request": Advice(
        "The provider found the request incomplete or malformed.",
        "Compare the provider's settings with ours; our Redirect URI has to be registered there exactly as shown.",
    ),
    "invalid_client": Advice(
        "The provider did not accept the client ID and secret.",
        "Compare Client ID and Client Secret with the application at the provider.",
        "client_secret",
    ),
    "invalid_grant": CODE_SPENT,
    "unauthorized_client": Advice(
        "The application may not use this way of signing in.",
        "Allow the authorization code grant for the application at the provider.",
        "client_id",
    ),
    "unsupported_grant_type": Advice(
        "The provider does not offer this grant type.", "Allow the authorization code grant at the provider."
    ),
    "unsupported_response_type": Advice(
        "The provider does not offer the code flow to the application.",
        'Allow the response type "code" for the application at the provider.',
    ),
    "invalid_scope": Advice(
        "The provider does not allow a scope.", "Allow openid, profile and email for the application at the provider."
    ),
    "invalid_resource": Advice(
        "The provider does not know the resource.", "Grant the application's API permissions at the provider."
    ),
    "invalid_target": Advice(
        "The provider does not know the resource, or does not allow it.",
        "Grant the application's API permissions at the provider.",
    ),
    "access_denied": Advice(
        "The person declined, or a policy of the provider refused.",
        "Check consent, assignment and policies for the application at the provider.",
        person="The sign-in was not finished at your identity provider: it was cancelled, or a policy refused it.",
    ),
    "consent_required": Advice(
        "Consent is missing.",
        "Grant admin consent for the application at the provider.",
        person="Your company has not yet agreed to this application at its identity provider.",
    ),
    "interaction_required": Advice("The provider has to ask the person something.", _AGAIN),
    "login_required": Advice("The person has no session at the provider.", _AGAIN),
    "account_selection_required": Advice(
        "The person has several sessions at the provider.", "The person starts the sign-in again and picks one."
    ),
    "invalid_request_uri": Advice("The provider could not use a request_uri.", _NOT_OURS),
    "invalid_request_object": Advice("The provider could not use a request object.", _NOT_OURS),
    "request_not_supported": Advice("The provider takes no request object.", _NOT_OURS),
    "request_uri_not_supported": Advice("The provider takes no request_uri.", _NOT_OURS),
    "registration_not_supported": Advice("The provider takes no registration parameter.", _NOT_OURS),
    "server_error": Advice(
        "The provider failed.",
        "Try again in a few minutes; check the provider's status page.",
        person=BUSY,
        temporary=True,
    ),
    "temporarily_unavailable": Advice(
        "The provider is overloaded.", "Try again in a few minutes.", person=BUSY, temporary=True
    ),
}

FALLBACK = Advice(
    "The provider refused for a reason of its own.", "Look the error up in the provider's sign-in log by its time."
)

# With these a provider refuses a refresh until the person has signed in again.
ENDS_GRANT = frozenset(
    {
        "invalid_grant",
        "access_denied",
        "consent_required",
        "interaction_required",
        "login_required",
        "account_selection_required",
    }
)
