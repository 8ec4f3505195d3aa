"""The forms of the list of people: its filter, and what an act on many of them asks for."""

from typing import Any
from uuid import UUID

from django import forms

from idp.link_queries import people_with_pending_links
from users.models import AdminRole, Group, State
from users.name_key import case_key
from users.people_list import ANY_ROLE, LINKED, NEVER, NO_ROLE, UNLINKED, PeopleFilter

PENDING = "pending"
SIGN_INS = [
    ("", "Any"),
    (LINKED, "Federated: linked to an account"),
    (UNLINKED, "Not linked to an account"),
    (NEVER, "Never signed in"),
    (PENDING, "With a pending link"),
]
ROLES = [("", "Any"), (NO_ROLE, "Without a role"), (ANY_ROLE, "Any administrator"), *AdminRole.choices]


class PeopleFilterForm(forms.Form):
    """What the list shows. Empty fields leave everybody."""

    search = forms.CharField(
        required=False,
        max_length=255,
        label="Name, email or user name",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    state = forms.ChoiceField(required=False, label="State", choices=[("", "Any"), *State.choices])
    role = forms.ChoiceField(required=False, label="Role", choices=ROLES)
    sign_in = forms.ChoiceField(required=False, label="Sign-in", choices=SIGN_INS)
    group = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def chosen(self) -> dict[str, str]:
        """Return the conditions that are set, as the address has them."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def wanted(self) -> PeopleFilter:
        """Return what the list is to show."""
        given: dict[str, Any] = dict(self.cleaned_data)
        if given["sign_in"] == PENDING:
            given |= {"sign_in": "", "only": tuple(people_with_pending_links())}
        return PeopleFilter(**given)


class SelectionForm(forms.Form):
    """Who was chosen, and by a second post that it was confirmed."""

    everybody = forms.BooleanField(required=False)
    fingerprint = forms.CharField(required=False, max_length=64)

    def ids(self) -> list[UUID]:
        """Return the ids that were ticked; what is none is left out."""
        given = self.data.getlist("person") if hasattr(self.data, "getlist") else []
        found = []
        for text in given:
            try:
                found.append(UUID(text))
            except ValueError:
                continue
        return found


class SuspendManyForm(forms.Form):
    """Why many people are suspended."""

    reason = forms.CharField(
        required=False,
        max_length=200,
        label="Reason",
        help_text="Shown on each person's page and in the audit log. The people themselves do not see it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ChooseGroupForm(forms.Form):
    """Which group, by its name: there may be too many for a list to choose from."""

    group = forms.CharField(
        max_length=100,
        label="Group",
        help_text="The name of a group that there is.",
        widget=forms.TextInput(attrs={"list": "groups", "autocomplete": "off"}),
        error_messages={"required": "Say which group."},
    )

    def clean_group(self) -> Group:
        """Return the group of this name."""
        group = Group.objects.filter(name_key=case_key(self.cleaned_data["group"])).first()
        if group is None:
            raise forms.ValidationError("There is no group of this name. Create it under User Groups first.")
        return group
