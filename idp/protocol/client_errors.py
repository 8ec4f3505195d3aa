"""What is wrong with the certificate by which we prove which application we are."""

from users.errors import DirectoryError


class ClientCertificateError(DirectoryError):
    """Base: the certificate or its key cannot be used."""

    http_status = 400
    exit_status = 2
    hint = "Make a new certificate for this provider, and upload it there."


class CertificateUnreadable(ClientCertificateError):
    """The text is no certificate in PEM (RFC 7468 section 5)."""

    code = "idp.client_certificate.unreadable"
    message = "The provider's certificate could not be read."


class CertificateDaysInvalid(ClientCertificateError):
    """A lifetime that is none, or that outlives every key."""

    code = "idp.client_certificate.days"
    message = "A certificate cannot be valid for {days} days."
    hint = "Choose between 1 and {limit} days; 365 is a good choice."


class AssertionKeyUnusable(ClientCertificateError):
    """No private key, not RSA, too short, or not readable (RFC 7518 section 3.5)."""

    code = "idp.client_assertion.key"
    message = "The private key of this provider's certificate cannot be used."
