"""What can be wrong with an access policy, and what one refuses."""

from typing import Any

from users.errors import DirectoryError


class AccessRefused(DirectoryError):
    """Base: a policy refuses a person. She reads that; which policy it was, administrators read in the audit log.

    Args:
        policy: its name; None: the default policy.
    """

    code = "access.refused"
    http_status = 403
    exit_status = 3
    admin_hint = "Security Management > Conditional Policies says which policy decides and why: use Try a sign-in."

    def __init__(self, *, policy: str | None, **context: Any) -> None:
        super().__init__(policy=policy or "Default policy", **context)
        self.admin_detail = f"The conditional access policy that decided: {policy or 'Default policy'}."


class AccessDenied(AccessRefused):
    """A policy denies the resource."""

    code = "access.denied"
    message = "Your company's access policy does not let you open the User Portal now."
    hint = "It may depend on where you are, when it is, or how you signed in. If you need it, ask your administrator."


class SecondFactorMissing(AccessRefused):
    """A policy asks for a local second factor of somebody who has none, and whose password stands in for a provider."""

    code = "access.second_factor_missing"
    message = "Your company asks for a second factor at Gatehouse, and you have none there."
    hint = "Sign in with your provider once it works again: then you can set one up. Your administrator can help you."
    admin_hint = (
        "While the provider is down the person cannot set one up. Except her from the policy if she must come in."
    )


class AccessPolicyNotFound(DirectoryError):
    """There is no such policy."""

    code = "idp.access.not_found"
    message = "There is no such access policy."
    hint = "It may have been deleted in the meantime. Open Conditional Policies, which lists all of them."
    http_status = 404
    exit_status = 4


class AccessNameInvalid(DirectoryError):
    """The text is not a name that a policy can have."""

    code = "idp.access.name_invalid"
    message = "This is not a name for an access policy."
    hint = "Use 1 to 100 characters without line breaks."
    exit_status = 2
    field = "name"


class AccessNameTaken(DirectoryError):
    """Another policy has this name."""

    code = "idp.access.name_taken"
    message = "There is an access policy {name} already."
    hint = "Names of access policies are unique without regard to case: choose another."
    http_status = 409
    exit_status = 3
    field = "name"


class AccessDescriptionInvalid(DirectoryError):
    """The description holds characters that cannot be shown, or is too long."""

    code = "idp.access.description_invalid"
    message = "This description cannot be kept."
    hint = "Use at most 500 characters in one paragraph."
    exit_status = 2
    field = "description"


class AccessActionUnknown(DirectoryError):
    """The action is none that a policy can have."""

    code = "idp.access.action_unknown"
    message = "{action} is nothing that an access policy can do."
    hint = "Use allow, deny or require_second_factor."
    exit_status = 2
    field = "action"


class AccessAudienceMissing(DirectoryError):
    """The policy would take nobody."""

    code = "idp.access.audience_missing"
    message = "This access policy says of nobody that it is about them."
    hint = "Choose everyone, or name at least one group or person."
    exit_status = 2
    field = "groups"


class AccessContradictory(DirectoryError):
    """A group or person is to be taken and excepted."""

    code = "idp.access.contradictory"
    message = "{name} is named twice: to be taken and to be excepted."
    hint = "Leave it in one of the two."
    exit_status = 2


class AccessGroupUnknown(DirectoryError):
    """A line is no group's name."""

    code = "idp.access.group_unknown"
    message = "There is no group {group}."
    hint = "Write each group's name in a line of its own. Create it under User Groups first."
    exit_status = 2
    field = "groups"


class AccessPersonUnknown(DirectoryError):
    """A line is nobody's company email."""

    code = "idp.access.person_unknown"
    message = "{email} is no company email of anybody here."
    hint = "Write each company email in a line of its own."
    exit_status = 2
    field = "people"


class AccessNetworkInvalid(DirectoryError):
    """A line is no network."""

    code = "idp.access.network_invalid"
    message = "{network} is not a network."
    hint = "Write each as 203.0.113.0/24, 2001:db8::/32, or as a single address, in a line of its own."
    exit_status = 2
    field = "networks"


class AccessAddressInvalid(DirectoryError):
    """A text is no IP address."""

    code = "idp.access.address_invalid"
    message = "{address} is not an IP address."
    hint = "Write an address such as 203.0.113.7 or 2001:db8::7."
    exit_status = 2
    field = "client_ip"


class AccessNetworksMissing(DirectoryError):
    """The policy asks for a network and names none."""

    code = "idp.access.networks_missing"
    message = "This access policy asks where somebody is, and names no network."
    hint = "Write at least one network, or let it fit from anywhere."
    exit_status = 2
    field = "networks"


class AccessTimeIncomplete(DirectoryError):
    """Half of a time window is missing."""

    code = "idp.access.time_incomplete"
    message = "The hours of this access policy are not complete."
    hint = "Give the beginning and the end, such as 08:00 and 18:00; 00:00 and 00:00 is the whole day."
    exit_status = 2
    field = "time_from"


class AccessTimeZoneUnknown(DirectoryError):
    """The text names no time zone."""

    code = "idp.access.time_zone_unknown"
    message = "{zone} is not a time zone."
    hint = "Use a name of the IANA time zone database, such as Europe/Berlin or UTC."
    exit_status = 2
    field = "time_zone"


class AccessWeekdaysInvalid(DirectoryError):
    """The text is no choice of weekdays."""

    code = "idp.access.weekdays_invalid"
    message = "{weekdays} is not a choice of weekdays."
    hint = "Use mon, tue, wed, thu, fri, sat and sun."
    exit_status = 2
    field = "weekdays"


class AccessTooMany(DirectoryError):
    """There are as many as one list can be read."""

    code = "idp.access.too_many"
    message = "There may be at most {most} {what}."
    hint = "Put the people into groups, and name those."
    exit_status = 2


class AccessChangedMeanwhile(DirectoryError):
    """Somebody else changed the policy after this page was opened."""

    code = "idp.access.changed_meanwhile"
    message = "This access policy was changed by somebody else in the meantime, so nothing was saved."
    hint = "Open it again, look at what is stored now, and repeat your change."
    http_status = 409
    exit_status = 3


class AccessOrderInvalid(DirectoryError):
    """The place is none that a policy can have."""

    code = "idp.access.order_invalid"
    message = "There is no place {position} among {count} access policies."
    hint = "Use a number from 1 to {count}."
    exit_status = 2
    field = "position"


class ProviderNamedByPolicies(DirectoryError):
    """Access policies ask for a provider that is to be deleted."""

    code = "idp.access.provider_named"
    message = "{name} cannot be deleted: access policies ask whether somebody signed in with it: {policies}."
    hint = "Change or delete those under Conditional Policies first. Without it they would fit other people than now."
    http_status = 409
    exit_status = 3
