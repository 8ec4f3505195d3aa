"""What goes wrong while talking to an identity provider: the network, discovery and the key set.

The refusals of a pasted URL are in `url_errors`, of an ID token in `token_errors`, the provider's own OAuth errors in
`oauth_errors`. The base classes without a `code` of their own are never raised.
"""

from users.errors import DirectoryError


class HttpError(DirectoryError):
    """Base: a request to the provider failed before it gave a usable answer."""

    http_status = 502
    exit_status = 5
    hint = "Try again in a minute; if it goes on, check that this server can reach {host} over https."


class UrlNotAllowed(HttpError):
    """A URL that we would have to call is malformed, or neither https nor a listed insecure origin."""

    code = "idp.http.url_not_allowed"
    message = "The provider names an address that Gatehouse may not call: only plain https addresses are allowed."
    hint = "Check the provider's URL, and that its discovery document names https endpoints only."


class NameNotResolved(HttpError):
    """The host has no address."""

    code = "idp.http.name_not_resolved"
    message = "The name {host} could not be resolved."
    hint = "Check the spelling of the host, and the DNS of this server."


class AddressBlocked(HttpError):
    """The host resolves to an address that must not be called from here (SSRF, DNS rebinding)."""

    code = "idp.http.address_blocked"
    message = "The name {host} leads to {address}, which is not a public address."
    hint = "If {host} is your own provider in your own network, list it in PRIVATE_ISSUER_HOSTS."


class ConnectionFailed(HttpError):
    """No TCP connection."""

    code = "idp.http.connection_failed"
    message = "No connection to {host} could be made."


class ConnectionBroken(HttpError):
    """The connection was reset, closed early, or what came over it was not HTTP."""

    code = "idp.http.connection_broken"
    message = "{host} broke off the connection before it had answered."


class TlsFailed(HttpError):
    """The certificate is not trusted, does not fit the name, or the handshake failed (RFC 8446)."""

    code = "idp.http.tls"
    message = "A trusted https connection to {host} could not be made: {reason}."
    hint = "Check the provider's certificate; if your company has its own CA, name its file in UPSTREAM_CA_FILE."


class HttpTimeout(HttpError):
    """Connecting, a read, or the whole exchange took longer than its limit."""

    code = "idp.http.timeout"
    http_status = 504
    message = "{host} did not answer in time."


class BodyTooLarge(HttpError):
    """More bytes than the cap, on the wire or after decompression."""

    code = "idp.http.too_large"
    message = "{host} sent more than {limit} bytes, which no such answer needs."
    hint = "Check that the address belongs to an OpenID provider."


class EncodingRefused(HttpError):
    """A content coding that we did not ask for and do not read, or a broken one."""

    code = "idp.http.content_encoding"
    message = "{host} sent its answer in an encoding that could not be read."
    hint = "Check the proxy in front of the provider; Gatehouse asks for plain answers and reads gzip."


class NotJsonObject(HttpError):
    """The body is not one strict JSON object (RFC 8259)."""

    code = "idp.http.not_json"
    message = "{host} answered with HTTP {status}, but not with the JSON object that was asked for."
    hint = "Check that the address belongs to an OpenID provider and that no sign-in page or proxy stands before it."


class RedirectRefused(HttpError):
    """A redirect: codes and secrets must never follow one."""

    code = "idp.http.redirect"
    message = "{host} answered with a redirect (HTTP {status}), which is never followed."
    hint = "Use the provider's final address, without a redirect in between."


class StatusRefused(HttpError):
    """A failure status where a document was expected."""

    code = "idp.http.status"
    message = "{host} answered with HTTP {status}."


class DiscoveryError(DirectoryError):
    """Base: the provider's discovery document cannot be used (OpenID Connect Discovery 1.0)."""

    field = "url"
    http_status = 502
    exit_status = 5
    hint = "Check the URL; the provider's documentation names its issuer."


class TenantUnknown(DiscoveryError):
    """Entra knows no such tenant (AADSTS90002)."""

    code = "idp.discovery.tenant_unknown"
    http_status = 400
    exit_status = 2
    message = "Microsoft knows no tenant {tenant}."
    hint = "In the Entra admin center, Overview shows the Tenant ID; copy it, and check that the cloud is yours."


class DocumentNotFound(DiscoveryError):
    """No discovery document at the well-known address (Discovery 4)."""

    code = "idp.discovery.not_found"
    http_status = 400
    exit_status = 2
    message = "{host} has no OpenID configuration at this address."


class DiscoveryRefused(DiscoveryError):
    """The provider answered discovery with an error."""

    code = "idp.discovery.refused"
    message = "{host} refused to show its OpenID configuration (HTTP {status}, {oauth_error})."


class IssuerMissing(DiscoveryError):
    """The document names no issuer (Discovery 3)."""

    code = "idp.discovery.issuer_missing"
    message = "The provider's configuration does not name its issuer."


class IssuerMismatch(DiscoveryError):
    """The document's issuer is not the one asked for (Discovery 4.3)."""

    code = "idp.discovery.issuer_mismatch"
    message = "The provider calls itself {found}, but {expected} was expected."
    hint = "Paste the issuer exactly as the provider names it."


class EndpointMissing(DiscoveryError):
    """A required endpoint is absent (Discovery 3)."""

    code = "idp.discovery.endpoint_missing"
    message = "The provider's configuration has no {member}."


class EndpointInsecure(DiscoveryError):
    """An endpoint is not a clean https URL."""

    code = "idp.discovery.endpoint_insecure"
    message = "The provider's {member} is not a plain https address."
    hint = "The provider has to serve all its endpoints over https."


class EndpointForeign(DiscoveryError):
    """An Entra endpoint on another host than the authority."""

    code = "idp.discovery.endpoint_host"
    message = "The tenant's {member} is on {found}, not on {expected}."
    hint = "Check that nothing between this server and Microsoft changes answers."


class MemberMalformed(DiscoveryError):
    """A member of the wrong JSON type (Discovery 3)."""

    code = "idp.discovery.member_type"
    message = "The provider's configuration holds a {member} of the wrong type."


class CodeFlowUnsupported(DiscoveryError):
    """The provider lists response types, and `code` is not among them."""

    code = "idp.discovery.code_flow"
    message = "The provider does not offer the authorization code flow."
    hint = 'Allow the response type "code" at the provider.'


class AlgorithmsUnusable(DiscoveryError):
    """The provider signs ID tokens only with algorithms that we refuse."""

    code = "idp.discovery.algorithms"
    message = "The provider signs its ID tokens in no way that Gatehouse accepts."
    hint = "Switch ID token signing at the provider to an asymmetric algorithm such as RS256 or ES256."


class AuthMethodUnsupported(DiscoveryError):
    """Neither client_secret_post nor client_secret_basic (OIDC Core 9)."""

    code = "idp.discovery.auth_method"
    message = "The provider accepts no client secret at its token endpoint."
    hint = "Allow client_secret_post or client_secret_basic for this application at the provider."


class AssertionUnsupported(DiscoveryError):
    """A certificate was asked for, and the provider does not advertise private_key_jwt (OIDC Core 9)."""

    code = "idp.discovery.assertion"
    http_status = 400
    exit_status = 2
    field = ""
    message = "The provider does not let applications sign in with a certificate (it offers {offered})."
    hint = "Use a client secret for this provider, or allow private_key_jwt for the application there."


class AssertionAlgorithmUnsupported(DiscoveryError):
    """The provider takes assertions, but none that is signed as ours are (Discovery 3)."""

    code = "idp.discovery.assertion_algorithm"
    http_status = 400
    exit_status = 2
    field = ""
    message = "The provider takes certificates, but not with {algorithm} (it offers {offered})."
    hint = "Use a client secret for this provider, or allow the algorithm for the application there."


class CloudMismatch(DiscoveryError):
    """The tenant lives in another national cloud: the global host answers for it with that cloud's endpoints."""

    code = "idp.discovery.cloud_mismatch"
    http_status = 400
    exit_status = 2
    message = "This tenant is in another Microsoft cloud: {cloud}."
    hint = "Use {url} as the Entra IdP URL."


class JwksError(DirectoryError):
    """Base: the provider's key set cannot be used (RFC 7517)."""

    http_status = 502
    exit_status = 5
    hint = "Try again in a minute; if it goes on, the provider has to repair its key set."


class JwksMalformed(JwksError):
    """No `keys` array (RFC 7517 section 5)."""

    code = "idp.jwks.malformed"
    message = "The provider's key set could not be read."


class JwksEmpty(JwksError):
    """A key set without any key."""

    code = "idp.jwks.empty"
    message = "The provider's key set is empty."


class JwksUnavailable(JwksError):
    """The key set answered with a failure status."""

    code = "idp.jwks.unavailable"
    message = "The provider did not hand out its key set (HTTP {status})."
