"""What a person may change about herself."""

from users import names, password_owner
from users.audit import Actor, audited, record
from users.contact import normalise_phone_number
from users.errors import DirectoryError, PermissionRefused
from users.models import User

# What somebody who signs in with a password here changes herself.
EDITABLE = ("display_name", "phone_number")


class ProfileManagedExternally(DirectoryError):
    """The person's details come from the identity provider."""

    code = "users.profile_managed_externally"
    message = "Your details come from {provider}, so they are not changed here."
    hint = "Ask your company's administrators where something is wrong."
    http_status = 409
    exit_status = 3


@audited("users.own_profile.changed")
def edit_own_profile(*, actor: Actor, display_name: str, phone_number: str) -> User:
    """Change the acting person's own name and telephone number, and return her as stored now.

    Everything else is what others rely on: who she is to the company, where mail goes, what she belongs to.

    Args:
        display_name: "" for the given and the family name.

    Raises:
        ProfileManagedExternally: she signs in through a provider, where her details come from.
        NameInvalid, PhoneNumberInvalid: bad input.
    """
    if actor.person is None:
        raise PermissionRefused(role="none", permission="own_profile")
    person = User.objects.select_for_update().get(pk=actor.person.pk)
    provider = password_owner.of(person)
    if provider is not None:
        raise ProfileManagedExternally(provider=provider)
    wanted = {"display_name": names.clean_name(display_name), "phone_number": normalise_phone_number(phone_number)}
    changes = {
        name: {"from": getattr(person, name), "to": value}
        for name, value in wanted.items()
        if getattr(person, name) != value
    }
    if changes:
        for name in changes:
            setattr(person, name, wanted[name])
        person.save(update_fields=[*changes, "name_key", "updated_at"])
        record("users.own_profile.changed", actor=actor, target=person, details=changes)
    return person
