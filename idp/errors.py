"""Refusals around providers: what an administrator or operator gets to see. Sign-in: `idp.federation_errors`."""

from users.errors import DirectoryError
from users.factor_errors import SecretUnreadable as SecretUnreadable


class ProviderNotFound(DirectoryError):
    """No provider answers to this slug, name or id."""

    code = "idp.not_found"
    message = "There is no identity provider {identifier}."
    hint = "It may have been deleted in the meantime. `manage.py idp list` shows those that there are."
    http_status = 404
    exit_status = 4


class KindUnknown(DirectoryError):
    """The kind is none that Gatehouse knows."""

    code = "idp.kind_unknown"
    message = "{kind} is not a kind of identity provider."
    hint = "Use entra, google, okta or oidc."
    http_status = 404
    exit_status = 2


class ProviderNameInvalid(DirectoryError):
    """The name is empty, too long or unprintable."""

    code = "idp.name_invalid"
    message = "This name cannot be used for an identity provider."
    hint = "Use 1 to 100 printable characters; people see it on the sign-in page."
    exit_status = 2
    field = "name"


class ProviderNameTaken(DirectoryError):
    """Another provider has the name."""

    code = "idp.name_taken"
    message = "There is an identity provider named {name} already."
    hint = "Choose another name, or open the existing provider."
    http_status = 409
    exit_status = 3
    field = "name"


class ClientIdInvalid(DirectoryError):
    """The client ID has not the shape of one."""

    code = "idp.client_id_invalid"
    message = "This is not a client ID."
    hint = "Copy the client ID from the application at the provider, without spaces."
    exit_status = 2
    field = "client_id"


class EntraClientIdInvalid(DirectoryError):
    """Entra's client IDs are GUIDs."""

    code = "idp.client_id_not_guid"
    message = "An Entra client ID looks like 1b4e28ba-2fa1-11d2-883f-0016d3cca427."
    hint = "In Entra, open App registrations > your application > Overview and copy Application (client) ID."
    exit_status = 2
    field = "client_id"


class ClientIdIsTenant(DirectoryError):
    """The Directory (tenant) ID was pasted where the client ID belongs."""

    code = "idp.client_id_is_tenant"
    message = "This is your Directory (tenant) ID, not the application's client ID."
    hint = "On the same Overview page in Entra, copy Application (client) ID, the line above it."
    exit_status = 2
    field = "client_id"


class ClientSecretMissing(DirectoryError):
    """No secret was given."""

    code = "idp.client_secret_missing"
    message = "A client secret is needed."
    hint = "Create one at the provider and paste its value. Gatehouse never shows it again."
    exit_status = 2
    field = "client_secret"


class ClientSecretNeededAgain(DirectoryError):
    """The stored secret was given for another address and must not travel to a new one."""

    code = "idp.client_secret_needed_again"
    message = "The address of the provider changes, and the stored client secret is not sent to a new address."
    hint = "Paste the client secret that belongs to the new address."
    exit_status = 2
    field = "client_secret"


class ChangedMeanwhile(DirectoryError):
    """Somebody else saved the provider after this form was opened."""

    code = "idp.changed_meanwhile"
    message = "This identity provider was changed by somebody else in the meantime, so nothing was saved."
    hint = "Load the page again, look at what is stored now, and repeat your change."
    http_status = 409
    exit_status = 3


class ActiveChangeNotConfirmed(DirectoryError):
    """A mistake in an active provider's settings keeps everybody out, so they are changed on purpose only."""

    code = "idp.active_change_not_confirmed"
    message = "Nothing was saved: this provider is active, and the change decides who can sign in."
    hint = "Tick “I understand that a mistake here keeps people out”, and save again."
    exit_status = 2
    field = "understood"


class ClientSecretInvalid(DirectoryError):
    """The secret has characters that no provider issues."""

    code = "idp.client_secret_invalid"
    message = "This client secret has spaces, line breaks or control characters in it, or is too long."
    hint = "Copy it again with the copy button at the provider."
    exit_status = 2
    field = "client_secret"


class ClientSecretIsId(DirectoryError):
    """A Secret ID was pasted instead of the secret's value."""

    code = "idp.client_secret_is_id"
    message = "This is the Secret ID, not the secret."
    hint = (
        "In Entra under Certificates & secrets, copy the column Value. It is shown only right after the secret was "
        "made: if it is hidden by now, make a new client secret."
    )
    exit_status = 2
    field = "client_secret"


class SecretExpiryInvalid(DirectoryError):
    """The expiry date is over, or absurdly far away."""

    code = "idp.secret_expiry_invalid"
    message = "This expiry date is in the past or more than ten years ahead."
    hint = "Copy the date in the column Expires at the provider, or leave it empty."
    exit_status = 2
    field = "client_secret_expires_on"


class EmailDomainInvalid(DirectoryError):
    """A line is no domain."""

    code = "idp.email_domain_invalid"
    message = "{domain} is not a domain."
    hint = "List domains such as example.com, separated by spaces, commas or lines."
    exit_status = 2
    field = "email_domains"


class ImpactChanged(DirectoryError):
    """What would change is not what was shown any more."""

    code = "idp.impact_changed"
    message = "Things have changed since these numbers were shown, so nothing was done."
    hint = "Look at the new numbers and confirm again."
    http_status = 409
    exit_status = 3


class ImpactNotConfirmed(DirectoryError):
    """The act needs a confirmation that was not given."""

    code = "idp.impact_not_confirmed"
    message = "Nothing was done, because the impact was not confirmed."
    hint = "Tick “I understand the impacts above”, or give the command --i-understand-the-impacts."
    exit_status = 2
    field = "understood"


class NameConfirmationWrong(DirectoryError):
    """The typed name is not the provider's."""

    code = "idp.name_confirmation_wrong"
    message = "The typed name is not the name of this identity provider, so nothing was deleted."
    hint = "Type {name} exactly as it is shown."
    exit_status = 2
    field = "confirm_name"


class ProviderArchived(DirectoryError):
    """It was put away, and is not changed or used before it is restored."""

    code = "idp.archived"
    message = "{name} is archived, so nothing was done."
    hint = "Restore it on its page, or with `manage.py idp unarchive`."
    http_status = 409
    exit_status = 3


class NoLocalAdministrator(DirectoryError):
    """Nobody could administer Gatehouse if the provider failed."""

    code = "idp.no_local_administrator"
    message = (
        "No active Administrator With Billing can sign in without an identity provider, so a failing one could lock "
        "everybody out."
    )
    hint = (
        "One of them needs a password, and a second factor where Settings > Organization requires it. "
        "`manage.py admins add` adds another."
    )
    http_status = 409
    exit_status = 3


class RehearsalMissing(DirectoryError):
    """Nobody knows yet whether a sign-in would work."""

    code = "idp.rehearsal_missing"
    message = "Nothing was done: you have not rehearsed a sign-in with these settings successfully in the last hour."
    hint = "Rehearse one now, or tick “Enable without a rehearsal”."
    http_status = 409
    exit_status = 3
    field = "without_rehearsal"


class RehearsalNotFound(DirectoryError):
    """There is no such rehearsal any more."""

    code = "idp.rehearsal_not_found"
    message = "There is no such rehearsal."
    hint = "Only the latest ones are kept. Open the identity provider, and rehearse again."
    http_status = 404
    exit_status = 4


class RehearsalSessionMissing(DirectoryError):
    """The provider's answer to a rehearsal came without the Admin Portal's session that began it."""

    code = "idp.rehearsal_session_missing"
    message = "This rehearsal was not started in this browser, or your session in the Admin Portal has ended."
    hint = "Sign in to the Admin Portal, open the identity provider, and press “Rehearse a sign-in” again."
    http_status = 403
    exit_status = 3


class SigningKeysMissing(DirectoryError):
    """The key document holds no keys."""

    code = "idp.keys_missing"
    message = "The provider publishes no signing keys (HTTP {status})."
    hint = "Check the provider's status page; without keys nobody can sign in."
    http_status = 502
    exit_status = 5


class SigningKeysUnusable(DirectoryError):
    """None of the published keys can verify an ID token."""

    code = "idp.keys_unusable"
    message = "Of the {count} published keys none can verify a sign-in (accepted: {algorithms})."
    hint = "The provider has to publish an RSA key of at least 2048 bits, or one for its signing algorithm."
    http_status = 502
    exit_status = 5


class ClockWrong(DirectoryError):
    """Our clock and the provider's are too far apart for tokens to be accepted."""

    code = "idp.clock_wrong"
    message = "This server's clock is {seconds} seconds {direction} the provider's, and sign-ins allow {leeway}."
    hint = "Let this server set its clock from the network (NTP), such as with `timedatectl set-ntp true`."
    http_status = 502
    exit_status = 5


class NotADraft(DirectoryError):
    """Only what was never in use can be discarded."""

    code = "idp.not_a_draft"
    message = "{name} has been in use, so it cannot be discarded like a draft."
    hint = "Use Delete IdP at the bottom of its page, which shows what is lost."
    http_status = 409
    exit_status = 3
