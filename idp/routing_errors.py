"""What can be wrong with a routing policy."""

from users.errors import DirectoryError


class RoutingPolicyNotFound(DirectoryError):
    """There is no such policy."""

    code = "idp.routing.not_found"
    message = "There is no such routing policy."
    hint = "It may have been deleted in the meantime. Open Who goes where, which lists all of them."
    http_status = 404
    exit_status = 4


class RoutingNameInvalid(DirectoryError):
    """The text is not a name that a policy can have."""

    code = "idp.routing.name_invalid"
    message = "This is not a name for a routing policy."
    hint = "Use 1 to 100 characters without line breaks."
    exit_status = 2
    field = "name"


class RoutingNameTaken(DirectoryError):
    """Another policy has this name."""

    code = "idp.routing.name_taken"
    message = "There is a routing policy {name} already."
    hint = "Names of routing policies are unique without regard to case: choose another."
    http_status = 409
    exit_status = 3
    field = "name"


class RoutingDescriptionInvalid(DirectoryError):
    """The description holds characters that cannot be shown, or is too long."""

    code = "idp.routing.description_invalid"
    message = "This description cannot be kept."
    hint = "Use at most 500 characters in one paragraph."
    exit_status = 2
    field = "description"


class RoutingAudienceMissing(DirectoryError):
    """The policy would take nobody."""

    code = "idp.routing.audience_missing"
    message = "This routing policy says of nobody that it takes them."
    hint = "Choose everyone, or name at least one group or email domain."
    exit_status = 2
    field = "groups"


class RoutingGroupContradictory(DirectoryError):
    """A group is to be taken and excepted."""

    code = "idp.routing.group_contradictory"
    message = "{group} is named twice: it is to be taken and excepted."
    hint = "Leave it in one of the two."
    exit_status = 2
    field = "except_groups"


class RoutingGroupUnknown(DirectoryError):
    """A line is no group's name."""

    code = "idp.routing.group_unknown"
    message = "There is no group {group}."
    hint = "Write each group's name in a line of its own. Create it under User Groups first."
    exit_status = 2
    field = "groups"


class RoutingPersonUnknown(DirectoryError):
    """A line is nobody's company email."""

    code = "idp.routing.person_unknown"
    message = "{email} is no company email of anybody here."
    hint = "Write each company email in a line of its own."
    exit_status = 2
    field = "except_people"


class RoutingTooMany(DirectoryError):
    """There are as many as one list can be read."""

    code = "idp.routing.too_many"
    message = "There may be at most {most} {what}."
    hint = "Put the people into groups, and name those."
    exit_status = 2


class RoutingChangedMeanwhile(DirectoryError):
    """Somebody else changed the policy after this page was opened."""

    code = "idp.routing.changed_meanwhile"
    message = "This routing policy was changed by somebody else in the meantime, so nothing was saved."
    hint = "Open it again, look at what is stored now, and repeat your change."
    http_status = 409
    exit_status = 3


class RoutingOrderInvalid(DirectoryError):
    """The place is none that a policy can have."""

    code = "idp.routing.order_invalid"
    message = "There is no place {position} among {count} routing policies."
    hint = "Use a number from 1 to {count}."
    exit_status = 2
    field = "position"
