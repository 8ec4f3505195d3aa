"""What the forms of all ordered policies share, and how a change of one is confirmed."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.http import HttpRequest

EVERYONE, SOME = "everyone", "some"


def lines_field(label: str, help_text: str) -> forms.CharField:
    """Return a field that takes a name in each line."""
    widget = forms.Textarea({"rows": 3, "spellcheck": "false", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=20_000, help_text=help_text, widget=widget)


class PlaceForm(forms.Form):
    """A place in the order."""

    position = forms.IntegerField(
        label="Place in the order",
        min_value=1,
        error_messages={"required": "Enter a number.", "invalid": "Enter a number.", "min_value": "The first is 1."},
    )

    def __init__(self, data: Any = None, *, count: int, what: str, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["position"].widget.attrs["max"] = count
        self.fields["position"].help_text = f"1 to {count}. The first {what} that fits a person decides."


class PolicyForm(forms.Form):
    """A policy. For one that there is it remembers which revision it shows."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": "Give the policy a name."},
    )
    description = forms.CharField(
        label="Description",
        required=False,
        max_length=500,
        help_text="Why there is this policy, for the administrators who come after you.",
        widget=forms.Textarea({"rows": 2}),
    )
    except_groups = lines_field("Except groups", "Their members are left to the policies after this one.")
    except_people = lines_field("Except people", "Company emails, each in a line of its own.")
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)


def posted_confirmation(request: HttpRequest) -> dict[str, Any]:
    """Return what was confirmed on the page that showed an impact, as services take it."""
    return {"understood": bool(request.POST.get("understood")), "fingerprint": request.POST.get("fingerprint", "")}


def kept_fields(request: HttpRequest, *, but: Collection[str] = (), but_prefix: str = "") -> list[tuple[str, str]]:
    """Return what was posted and has to be posted again with the confirmation.

    Args:
        but: names that the page asks for itself.
        but_prefix: names that begin so belong to another form of the page.
    """
    dropped = {"csrfmiddlewaretoken", "fingerprint", "understood", *but}
    return [
        (name, value)
        for name in request.POST
        if name not in dropped and not (but_prefix and name.startswith(but_prefix))
        for value in request.POST.getlist(name)
    ]
