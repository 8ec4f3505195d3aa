"""What can be wrong with the rules for claims, and with the creation of people at their first sign-in."""

from users.errors import DirectoryError


class ClaimNameInvalid(DirectoryError):
    """The text cannot be the name of a claim."""

    code = "idp.claims.name_invalid"
    message = "This cannot be the name of a claim."
    hint = "Copy it from the ID token that a rehearsal shows: visible characters of ASCII without spaces, at most 200."
    exit_status = 2
    field = "claim"


class ClaimOfProtocol(DirectoryError):
    """The claim says how a token was made, or whose it is, and nothing about the person."""

    code = "idp.claims.protocol_claim"
    message = "The claim {claim} belongs to the sign-in itself and says nothing about a person."
    hint = "Choose a claim such as given_name, department, roles or groups."
    exit_status = 2
    field = "claim"


class ClaimFieldUnknown(DirectoryError):
    """The field is none that a claim may keep."""

    code = "idp.claims.field_unknown"
    message = "Claims keep no field {field_name}."
    hint = "Use given_name, family_name, display_name, department, title or locale."
    exit_status = 2
    field = "field"


class ClaimNotMapped(DirectoryError):
    """No claim keeps the field."""

    code = "idp.claims.not_mapped"
    message = "No claim of {provider} keeps the field {field_name}."
    hint = "Somebody may have removed it in the meantime. `manage.py idp claims` shows what there is."
    http_status = 404
    exit_status = 4


class ClaimValueInvalid(DirectoryError):
    """The text cannot be a value to compare with."""

    code = "idp.claims.value_invalid"
    message = "This cannot be the value of a claim."
    hint = "Copy it from the ID token that a rehearsal shows: 1 to 255 characters in one line."
    exit_status = 2
    field = "value"


class ClaimRuleTaken(DirectoryError):
    """The very rule is there already."""

    code = "idp.claims.rule_taken"
    message = "There is this rule already: {claim} with the value {value} puts people into {group}."
    hint = "Nothing has to be done."
    http_status = 409
    exit_status = 3
    field = "value"


class ClaimRuleNotFound(DirectoryError):
    """There is no such rule for a group."""

    code = "idp.claims.rule_not_found"
    message = "{provider} has no such rule for a group."
    hint = "Somebody may have removed it in the meantime. `manage.py idp claims` shows what there is."
    http_status = 404
    exit_status = 4


class ClaimTooMany(DirectoryError):
    """There are as many as one sign-in can go through."""

    code = "idp.claims.too_many"
    message = "A provider may have at most {most} {what}."
    hint = "Remove those that are not needed any more."
    exit_status = 2


class JitDomainsMissing(DirectoryError):
    """Whoever has an account would be added."""

    code = "idp.jit.domains_missing"
    message = "Say for which email domains people are added at their first sign-in."
    hint = "Name the company's own domains. Without them anybody with an account at the provider would be added."
    exit_status = 2
    field = "domains"


class JitDomainOutside(DirectoryError):
    """People of the domain are refused before anybody could be added."""

    code = "idp.jit.domain_outside"
    message = "{domain} is not among this provider's email domains, so nobody of it comes in."
    hint = "Add it to Email domains of the provider first, or leave it out here."
    exit_status = 2
    field = "domains"


class JitStateUnknown(DirectoryError):
    """New people begin in another state."""

    code = "idp.jit.state_unknown"
    message = "Nobody is added in the state {state}."
    hint = "Use staged or active."
    exit_status = 2
    field = "state"
