"""The forms of a provider's claims: shapes, and the groups that their lines name."""

from typing import Any

from django import forms

from idp.claim_rules import JitInput
from idp.models import IdentityProvider, PersonField
from idp.protocol.claim_values import MAX_LENGTH, NAME_MAX_LENGTH
from idp.routing_errors import RoutingGroupUnknown
from users.models import Group
from users.name_key import case_key

_EXACT = {"autocomplete": "off", "spellcheck": "false"}
_LINES = {"rows": 3, **_EXACT}


def _claim(help_text: str) -> forms.CharField:
    return forms.CharField(
        label="Claim",
        max_length=NAME_MAX_LENGTH,
        help_text=help_text,
        widget=forms.TextInput({**_EXACT, "list": "claims"}),
        error_messages={"required": "Give the name of the claim."},
    )


class MappingForm(forms.Form):
    """A claim that keeps a field."""

    field = forms.ChoiceField(
        label="Field",
        choices=PersonField.choices,
        error_messages={"required": "Choose a field.", "invalid_choice": "Choose one of the fields."},
    )
    claim = _claim("As it stands in the ID token, such as department.")


class GroupRuleForm(forms.Form):
    """A value of a claim, and the group of those who have it."""

    claim = _claim("Such as roles for Entra’s app roles, or groups.")
    value = forms.CharField(
        label="Value",
        max_length=MAX_LENGTH,
        help_text="Exactly as in the token: the value of the app role, or the object ID of the group.",
        widget=forms.TextInput(_EXACT),
        error_messages={"required": "Give the value."},
    )
    group = forms.CharField(
        label="Group in Gatehouse",
        max_length=100,
        widget=forms.TextInput({**_EXACT, "list": "groups"}),
        error_messages={"required": "Name the group."},
    )

    def clean_group(self) -> Group:
        """Return the group that is named."""
        return _named(self.cleaned_data["group"])


class JitForm(forms.Form):
    """Whom a first sign-in adds. It remembers which revision of the provider it shows."""

    enabled = forms.BooleanField(
        label="Add people at their first sign-in",
        required=False,
        help_text="Only where nobody has the email and the provider vouches for it. Guests are never added.",
    )
    domains = forms.CharField(
        label="Email domains",
        required=False,
        max_length=20_000,
        help_text="Only people of these, each in a line of its own. Name the company’s own domains.",
        widget=forms.Textarea(_LINES),
    )
    state = forms.ChoiceField(
        label="They begin",
        choices=[
            ("staged", "Staged: an administrator activates them before they come in"),
            ("active", "Active: they come in at once"),
        ],
        error_messages={"invalid_choice": "Choose one of the two."},
    )
    groups = forms.CharField(
        label="Groups that they join",
        required=False,
        max_length=20_000,
        help_text="The name of each group in a line of its own.",
        widget=forms.Textarea(_LINES),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def clean_groups(self) -> list[Group]:
        """Return the groups that the lines name."""
        return [_named(line) for line in _split(self.cleaned_data["groups"])]

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        given = self.cleaned_data
        domains = _split(given["domains"].replace(",", "\n").replace(" ", "\n"))
        groups = {group.pk: group for group in given["groups"]}
        return {
            "given": JitInput(given["enabled"], domains, given["state"], list(groups.values())),
            "seen_revision": given["revision"],
        }

    @classmethod
    def of(cls, provider: IdentityProvider, groups: list[Group]) -> "JitForm":
        """Return the form filled with what is stored."""
        return cls(
            initial={
                "enabled": provider.jit_enabled,
                "domains": "\n".join(provider.jit_domains or provider.email_domains),
                "state": provider.jit_state,
                "groups": "\n".join(group.name for group in groups),
                "revision": provider.revision,
            }
        )


def _named(name: str) -> Group:
    found = Group.objects.filter(name_key=case_key(name.replace("\x00", "").strip())).first()
    if found is None:
        error = RoutingGroupUnknown(group=name[:100])
        raise forms.ValidationError(f"{error.message} Create it under User Groups first.", code=error.code)
    return found


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\x00", "").splitlines() if line.strip()]
