"""Refusals of the URL that an administrator pastes (reference/entra.md 1.2). They never echo more than a host name."""

from users.errors import DirectoryError

ENTRA_SHAPE = "https://login.microsoftonline.com/<Directory (tenant) ID>"


class UrlError(DirectoryError):
    """Base: the pasted URL cannot be used."""

    field = "url"
    http_status = 400
    exit_status = 2
    hint = f"Paste {ENTRA_SHAPE}; the ID is on the Overview page of the Entra admin center."


class UrlEmpty(UrlError):
    """Nothing was pasted."""

    code = "idp.url.empty"
    message = "The provider's URL is missing."


class UrlTooLong(UrlError):
    """Longer than any issuer."""

    code = "idp.url.too_long"
    message = "This is too long to be a provider's URL."


class UrlControlCharacters(UrlError):
    """Line breaks, zero-width or other invisible characters."""

    code = "idp.url.control_characters"
    message = "The URL holds line breaks, blanks or invisible characters."
    hint = "Copy the URL again, from the start to the end of a single line."


class UrlBackslash(UrlError):
    """Browsers read a backslash as a slash, other software does not."""

    code = "idp.url.backslash"
    message = "The URL holds a backslash."


class UrlMalformed(UrlError):
    """Not a URL (RFC 3986)."""

    code = "idp.url.malformed"
    message = "This is not a URL."


class UrlScheme(UrlError):
    """Some other scheme than https."""

    code = "idp.url.scheme"
    message = "The URL has to start with https://."


class UrlInsecure(UrlError):
    """http outside the listed insecure origins."""

    code = "idp.url.insecure"
    message = "The URL starts with http://, which anyone on the way could change."
    hint = "Use the same URL with https://."


class UrlUserInfo(UrlError):
    """`user@host` hides the real host (RFC 3986 section 7.6)."""

    code = "idp.url.userinfo"
    message = "The URL holds a user name or password before its host."
    hint = "Remove everything between // and the host, including the @."


class UrlEmailAddress(UrlError):
    """An email address instead of a URL."""

    code = "idp.url.email_address"
    message = "This is an email address, not the URL of a provider."


class UrlPort(UrlError):
    """A port other than 443."""

    code = "idp.url.port"
    message = "The URL names a port that Microsoft does not use."
    hint = "Remove the port."


class UrlIpAddress(UrlError):
    """An IP address in any spelling."""

    code = "idp.url.ip_address"
    message = "The URL names an IP address instead of a host."


class UrlLookAlike(UrlError):
    """Characters outside ASCII, or punycode, in the host."""

    code = "idp.url.look_alike"
    message = "The host holds characters that only look like those of Microsoft's host."
    hint = f"Type the host yourself: {ENTRA_SHAPE}"


class UrlHostUnknown(UrlError):
    """A host that is not a Microsoft sign-in host."""

    code = "idp.url.host"
    message = "{host} is not a Microsoft sign-in host."
    hint = f"Paste {ENTRA_SHAPE}, or the sign-in host of your national cloud."


class UrlB2c(UrlError):
    """Azure AD B2C: another product with another issuer."""

    code = "idp.url.b2c"
    message = "This is an Azure AD B2C tenant, which holds customers, not the people of a company."
    hint = "Use the tenant that your people sign in to, or add the B2C policy as a generic OpenID provider."


class UrlExternalId(UrlError):
    """Entra External ID (CIAM)."""

    code = "idp.url.external_id"
    message = "This is an Entra External ID tenant, which holds customers, not the people of a company."
    hint = "Use the tenant that your people sign in to, or add this one as a generic OpenID provider."


class UrlGermany(UrlError):
    """Microsoft Cloud Deutschland."""

    code = "idp.url.germany"
    message = "Microsoft Cloud Germany was closed in 2021."
    hint = f"Use the tenant that replaced it: {ENTRA_SHAPE}"


class UrlPortal(UrlError):
    """The address of an administration page."""

    code = "idp.url.portal"
    message = "{host} is where Microsoft's settings are, not where people sign in."


class UrlTenantMissing(UrlError):
    """A sign-in host without a tenant."""

    code = "idp.url.tenant_missing"
    message = "The URL does not say which tenant."


class UrlTenantMalformed(UrlError):
    """The first path segment is neither an ID nor a domain."""

    code = "idp.url.tenant"
    message = "The tenant in the URL is neither a Directory (tenant) ID nor a domain."


class UrlMultiTenant(UrlError):
    """common, organizations, consumers: anybody with a Microsoft account could sign in."""

    code = "idp.url.multi_tenant"
    message = '"{tenant}" is the multi-tenant authority: it lets people of any company in.'


class UrlPlaceholder(UrlError):
    """The tenant was left as `{tenant}`."""

    code = "idp.url.placeholder"
    message = "The URL still holds a placeholder where the tenant ID belongs."


class IssuerQuery(UrlError):
    """An issuer has no query or fragment (Discovery 3)."""

    code = "idp.url.query"
    message = "An issuer has neither ? nor # in it."
    hint = "Remove the ? or # and what follows."


class IssuerIsEntra(UrlError):
    """An Entra authority in the form of a generic provider would skip the tenant and guest checks."""

    code = "idp.url.use_entra"
    message = "This is a Microsoft Entra ID tenant."
    hint = "Add it as Entra ID (Azure) instead, which checks the tenant and its guests as well."
