"""Refusals around client secrets and certificates: what an administrator or operator gets to see."""

from users.errors import DirectoryError


class NextSecretMissing(DirectoryError):
    """There is no next secret to promote or discard."""

    code = "idp.next_secret_missing"
    message = "There is no next client secret."
    hint = "Add one first; somebody else may have promoted or discarded it in the meantime."
    http_status = 409
    exit_status = 3


class NextSecretSame(DirectoryError):
    """The secret that is in use was given as the next one."""

    code = "idp.next_secret_same"
    message = "This is the client secret that is in use already."
    hint = "Make a new one at the provider, and paste the new one's value."
    exit_status = 2
    field = "client_secret"


class CredentialNotProven(DirectoryError):
    """The provider answered, but said neither yes nor no to the credential."""

    code = "idp.credential_not_proven"
    message = "The provider did not say whether it accepts this, so nothing was changed."
    hint = "Wait a few minutes and try again. Test connection shows what the provider answers."
    http_status = 502
    exit_status = 5


class NextCertificateMissing(DirectoryError):
    """There is no certificate to promote or discard."""

    code = "idp.next_certificate_missing"
    message = "There is no next certificate."
    hint = "Make a key pair first; somebody else may have promoted or discarded it in the meantime."
    http_status = 409
    exit_status = 3


class NextCertificateWaiting(DirectoryError):
    """A new key pair would replace one whose certificate may be uploaded already."""

    code = "idp.next_certificate_waiting"
    message = "A certificate is waiting already, and it may be uploaded at the provider by now."
    hint = "Test and use that one, or discard it; then make another key pair."
    http_status = 409
    exit_status = 3


class NextCertificateExpired(DirectoryError):
    """The waiting certificate ended before it was used."""

    code = "idp.next_certificate_expired"
    message = "The waiting certificate has expired."
    hint = "Discard it, make another key pair, and upload that one's certificate at the provider."
    http_status = 409
    exit_status = 3


class CertificateNotFound(DirectoryError):
    """The provider has no certificate in this place."""

    code = "idp.certificate_not_found"
    message = "This identity provider has no such certificate."
    hint = "Make a key pair on its Credentials page, or with `manage.py idp new-certificate`."
    http_status = 404
    exit_status = 4


class MailFailed(DirectoryError):
    """The mail server did not take a mail."""

    code = "idp.mail_failed"
    message = "{failed} of {mails} mails could not be sent: {reason}."
    hint = "Check EMAIL_URL and MAIL_FROM. The next housekeeping tries again."
    http_status = 502
    exit_status = 5


class TokenEndpointMoved(DirectoryError):
    """The provider names another host for its token endpoint than the one that the stored secret was given for."""

    code = "idp.health.token_endpoint_moved"
    message = "The provider's token endpoint moved to {found}, and the stored client secret is not sent to a new host."
    hint = "If the move is real, choose Change on the provider's page and paste the client secret once more."
    http_status = 502
    exit_status = 5
