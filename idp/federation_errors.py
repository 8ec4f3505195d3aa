"""Refusals of a federated sign-in. People read these: plain words, no hint at who else exists."""

from users.errors import DirectoryError


class FederationRefused(DirectoryError):
    """The base: a sign-in through a provider was refused."""

    code = "federation.refused"
    http_status = 403
    exit_status = 3
    hint = "Start again from the sign-in page. If it happens again, give your administrator the reference number."


class ProviderUnavailable(FederationRefused):
    """The provider is unknown, a draft, or was deactivated or deleted in the meantime."""

    code = "federation.provider_unavailable"
    message = "This way to sign in is not in use."
    hint = "Start again from the sign-in page, which knows the way that is in use."
    http_status = 404


class ProviderChanged(FederationRefused):
    """An administrator changed the provider between request and answer."""

    code = "federation.provider_changed"
    message = "The settings of this sign-in changed while you were away."
    hint = "Start again from the sign-in page."


class RoutedElsewhere(FederationRefused):
    """The person is known, and her routing policy names another provider or none."""

    code = "federation.routed_elsewhere"
    message = "You do not sign in this way."
    hint = "Enter your company email on the sign-in page: it knows your way. Your administrator can tell you why."


class StateMissing(FederationRefused):
    """The authorization response carries no state."""

    code = "federation.state_missing"
    message = "This answer from the identity provider is incomplete."
    http_status = 400


class StateUnknown(FederationRefused):
    """The state was not issued to this browser."""

    code = "federation.state_unknown"
    message = "This sign-in was not started in this browser, or it was finished already."
    http_status = 400


class StateUsed(FederationRefused):
    """The state came back before."""

    code = "federation.state_used"
    message = "This sign-in was finished already."
    hint = "If you are not signed in, start again from the sign-in page. Going back in the browser does not work."
    http_status = 400


class StateExpired(FederationRefused):
    """More than ten minutes passed."""

    code = "federation.state_expired"
    message = "This sign-in took longer than ten minutes."
    http_status = 400


class StateOfOtherProvider(FederationRefused):
    """The state belongs to a sign-in at another provider: a mix-up, or an attack by one."""

    code = "federation.state_other_provider"
    message = "This answer belongs to a sign-in at another identity provider."
    http_status = 400


class ParameterDuplicated(FederationRefused):
    """A parameter came twice (RFC 6749, section 3.1)."""

    code = "federation.parameter_duplicated"
    message = "This answer from the identity provider is contradictory."
    http_status = 400


class CodeMissing(FederationRefused):
    """Neither a code nor an error came back."""

    code = "federation.code_missing"
    message = "This answer from the identity provider is incomplete."
    http_status = 400


class ResponseIssuerWrong(FederationRefused):
    """The `iss` parameter names another issuer (RFC 9207, section 2.4)."""

    code = "federation.response_issuer_wrong"
    message = "This answer comes from another identity provider than the one asked."


class ResponseIssuerMissing(FederationRefused):
    """The provider promises an `iss` parameter and did not send it (RFC 9207, section 2.4)."""

    code = "federation.response_issuer_missing"
    message = "This answer from the identity provider is incomplete."


class ResponsePosted(FederationRefused):
    """The answer came as a form from the provider's page: browsers send no cookie of ours along (form_post)."""

    code = "federation.response_posted"
    message = "The identity provider sent its answer in a way that does not say in which browser this sign-in began."
    hint = (
        "Start again from the sign-in page. If it happens again, give your administrator the reference number: "
        "the identity provider has to answer with response_mode=query."
    )
    http_status = 400


class ResponseHasToken(FederationRefused):
    """A token came in the address, which nobody asked for: other people may have read it (RFC 9700, section 2.1.2)."""

    code = "federation.response_with_token"
    message = "This answer from the identity provider holds more than Gatehouse asked for."
    http_status = 400


class NoMatch(FederationRefused):
    """The base of refusals after a valid token: who this is cannot be told, or may not come in."""

    code = "federation.no_match"
    message = "Gatehouse does not know your account."
    hint = "Ask your administrator to add you, and give the reference number."


class EmailMissing(NoMatch):
    """The token has no usable email or UPN, so that nobody can be matched."""

    code = "federation.email_missing"
    message = "The identity provider did not tell Gatehouse a company email for you."
    hint = "Ask your administrator to send the email and upn claims, and give the reference number."


class EmailNotPlain(NoMatch):
    """The email has characters that may imitate others."""

    code = "federation.email_not_plain"
    message = "The email that the identity provider sent has unusual characters and cannot be matched."
    hint = "Ask your administrator to link your account, and give the reference number."


class EmailOutsideDomains(NoMatch):
    """The email's domain is not among the provider's."""

    code = "federation.email_outside_domains"
    message = "Your email's domain does not belong to this way of signing in."
    hint = "Use your company account, or give your administrator the reference number."


class EmailUnverified(NoMatch):
    """The provider does not vouch for the email."""

    code = "federation.email_unverified"
    message = "The identity provider has not verified your email, so it cannot be used to find you here."
    hint = "Verify the email at the identity provider, or ask your administrator to link your account."


class GuestNotLinked(NoMatch):
    """A guest's email is vouched for by another organisation, so it finds nobody."""

    code = "federation.guest_not_linked"
    message = "You are a guest of this company's directory, and guests are not recognised by their email."
    hint = "Ask your administrator to link your account, and give the reference number."


class ExternalIdContradicts(NoMatch):
    """The person with this email is known under another object ID: this is somebody else's account."""

    code = "federation.external_id_contradicts"
    message = "Your company email belongs to another account of the identity provider."
    hint = "Ask your administrator, and give the reference number."


class MatchAmbiguous(NoMatch):
    """Email and UPN point to different people."""

    code = "federation.match_ambiguous"
    message = "Your account at the identity provider matches more than one person here."
    hint = "Ask your administrator to link your account, and give the reference number."


class PersonIsAdministrator(NoMatch):
    """Administrators sign in locally, and are never linked automatically."""

    code = "federation.person_is_administrator"
    message = "This account does not sign in through the identity provider."
    hint = "If you are an administrator, sign in with your Gatehouse password."


class PersonLinkedElsewhere(NoMatch):
    """The person is linked to another subject of this issuer: somebody took over an email, or was replaced."""

    code = "federation.person_linked_elsewhere"
    message = "Another account at the identity provider is linked to your company email already."
    hint = "Ask your administrator, and give the reference number."


class PersonSuspended(NoMatch):
    """The person is suspended."""

    code = "federation.person_suspended"
    message = "Your account here is suspended."
    hint = "Ask your administrator, and give the reference number."


class PersonStaged(NoMatch):
    """The person is not active yet."""

    code = "federation.person_staged"
    message = "Your account here is not active yet."
    hint = "Ask your administrator when it will be, and give the reference number."


class PersonAwaitsActivation(PersonStaged):
    """The person was added by this very sign-in, and an administrator has to activate her."""

    code = "federation.person_awaits_activation"
    message = "Your account here was created just now, and waits until an administrator activates it."
    hint = "You need not do anything. Sign in again once you are told that it is active."


class NewcomerRoutedElsewhere(NoMatch):
    """The person would be added, but no routing policy would send her to this provider: she could not come in."""

    code = "federation.newcomer_routed_elsewhere"
    hint = "Ask your administrator to add you, and give the reference number."
