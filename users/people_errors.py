"""What can be wrong with changing, scheduling and deleting a person."""

from users.errors import DirectoryError


class PhoneNumberInvalid(DirectoryError):
    """The text is not a phone number."""

    code = "users.phone_number_invalid"
    message = "This is not a phone number."
    hint = "Use digits and spaces, such as +44 20 7946 0958 or 020 7946 0958 ext. 12."
    exit_status = 2
    field = "phone_number"


class PersonChangedMeanwhile(DirectoryError):
    """Somebody else saved the person after this form was opened."""

    code = "users.changed_meanwhile"
    message = "{label} was changed by somebody else in the meantime, so nothing was saved."
    hint = "What you typed is still in the form. Compare it with what is stored now, and save again."
    http_status = 409
    exit_status = 3


class ScheduleInPast(DirectoryError):
    """A state is to come at a moment that has passed."""

    code = "users.schedule_in_past"
    message = "That moment has passed already."
    hint = "Choose a later date and time (UTC), or make the change now."
    http_status = 422
    exit_status = 2
    field = "at"


class ScheduleTooFar(DirectoryError):
    """A state is to come so late that it is more likely a slip of the keys."""

    code = "users.schedule_too_far"
    message = "That is more than {years} years ahead."
    hint = "Check the year of the date."
    http_status = 422
    exit_status = 2
    field = "at"


class ScheduleForAdministrator(DirectoryError):
    """An administrator's state changes by hand: a clock must not take away the last one."""

    code = "users.schedule_for_administrator"
    message = "{label} is an administrator, and administrators are not suspended or activated by a schedule."
    hint = "Make the change when its time has come, or take the role away first."
    http_status = 409
    exit_status = 3


class StateAlready(DirectoryError):
    """The state that is to come is the one that there is."""

    code = "users.state_already"
    message = "{label} is {state} already."
    hint = "There is nothing to schedule."
    http_status = 409
    exit_status = 3
    field = "at"


class NothingScheduled(DirectoryError):
    """There is no change to come that could be cancelled."""

    code = "users.nothing_scheduled"
    message = "Nothing is scheduled for {label}, or it has taken effect already."
    hint = "Look at the state now, and activate or suspend the person if it is not the right one."
    http_status = 409
    exit_status = 3


class PersonScheduled(DirectoryError):
    """Somebody with a change of state to come cannot become an administrator."""

    code = "users.person_scheduled"
    message = "{label} is to be {state} on {at}."
    hint = "Cancel that first, on the person's page or with `manage.py users unschedule`; then give the role."
    http_status = 409
    exit_status = 3


class DeletionNotConfirmed(DirectoryError):
    """The company email that was typed to confirm a deletion is another one."""

    code = "users.deletion_not_confirmed"
    message = "Nobody was deleted: that is not the company email of {label}."
    hint = "Type {company_email} to confirm."
    exit_status = 2
    field = "confirmation"


class SuspendsOneself(DirectoryError):
    """Nobody suspends herself: she would be locked out of undoing it."""

    code = "users.suspends_oneself"
    message = "You cannot suspend yourself."
    hint = "Ask another Administrator With Billing to do it."
    http_status = 409
    exit_status = 3


class UnlocksOneself(DirectoryError):
    """Nobody forgets the failures of her own account: whoever stole her session would guess codes without end."""

    code = "users.unlocks_oneself"
    message = "You cannot unlock your own account."
    hint = "It unlocks itself 15 minutes after the last failure. Another administrator can do it at once."
    http_status = 409
    exit_status = 3


class DeletesOneself(DirectoryError):
    """Nobody deletes herself: the act could not be answered for."""

    code = "users.deletes_oneself"
    message = "You cannot delete yourself."
    hint = "Ask another administrator to do it."
    http_status = 409
    exit_status = 3


class SelectionEmpty(DirectoryError):
    """An act on many people was asked for, and nobody was chosen."""

    code = "users.selection_empty"
    message = "Nobody is chosen."
    hint = "Tick the people in the list, or choose everybody whom the filter finds; then press the button again."
    http_status = 422
    exit_status = 2


class SelectionTooLarge(DirectoryError):
    """An act on more people than one transaction should hold up."""

    code = "users.selection_too_large"
    message = "These are more people than one act can change."
    hint = "At most {most} people can be changed at once: narrow the filter, by the beginning of a name for example."
    http_status = 422
    exit_status = 2


class SelectionChanged(DirectoryError):
    """What an act on many people would change is not what was shown any more."""

    code = "users.selection_changed"
    message = "These people have changed since the numbers were shown, so nothing was done."
    hint = "Look at the new numbers and confirm again."
    http_status = 409
    exit_status = 3
