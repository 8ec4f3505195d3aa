"""Components of pages that list much: sortable headers, selections, active filters, counts, paging.

`ui` takes these tags over, so that a template loads `ui` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django import template
from django.forms import BaseForm, BoundField
from django.http import QueryDict
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.templatetags.component_checks import one_of, query_of, require

register = template.Library()

# Where a list goes on. Another order or another filter starts at its first page again.
PLACES = ("after", "before", "page")


def _link(query: QueryDict, *, without: tuple[str, ...] = (), changes: Mapping[str, str] | None = None) -> str:
    """Return the address of this page with another query, at its first page."""
    changed = query.copy()
    for name in (*PLACES, *without):
        changed.pop(name, None)
    for name, value in (changes or {}).items():
        changed[name] = value
    return f"?{changed.urlencode()}"


@register.inclusion_tag("components/sort_header.html")
def sort_header(
    label: str,
    key: str,
    query: QueryDict,
    *,
    current: str,
    parameter: str = "sort",
    first: str = "ascending",
    css_class: str = "",
) -> dict[str, object]:
    """Render a <th> whose link sorts by a column; another click turns the order round.

    Args:
        label: the words of the header.
        key: what the column is called in the query; "-key" is its descending order.
        query: `request.GET`; filters stay in the link, the place in the list does not.
        current: the order in force, "key" or "-key", of this column or of another one.
        parameter: the name of the order in the query.
        first: which way the first click sorts: "ascending", or "descending" for times and counts.
        css_class: further class of the cell, such as "number".
    """
    require("sort_header", label=label, key=key)
    one_of("sort_header", "first", first, ("ascending", "descending"))
    descending = f"-{key}"
    direction = {key: "ascending", descending: "descending"}.get(current, "")
    to_descending = direction == "ascending" if direction else first == "descending"
    url = _link(query_of("sort_header", query), changes={parameter: descending if to_descending else key})
    icon = {"ascending": "arrow-up", "descending": "arrow-down"}.get(direction, "chevrons-up-down")
    return {"label": label, "url": url, "direction": direction, "icon": icon, "css_class": css_class}


@register.inclusion_tag("components/select_header.html")
def select_header(*, form: str) -> dict[str, str]:
    """Render the <th> over the checkboxes of `select_row`; JavaScript adds the box that ticks the whole page."""
    require("select_header", form=form)
    return {"form": form}


@register.simple_tag
def select_row(value: object, label: str, *, form: str, name: str = "selected", checked: bool = False) -> SafeString:
    """Render the <td> with a row's checkbox; it belongs to the form with this id, wherever that stands.

    Without a template: a long list has one in each row, and they would be a tenth of its time.
    """
    require("select_row", value=value, label=label, form=form, name=name)
    return format_html(
        '<td class="table-select"><input type="checkbox" name="{}" value="{}" form="{}" aria-label="Select {}"'
        ' data-select-row="{}"{}></td>',
        name, value, form, label, form, SafeString(" checked" if checked else ""),
    )  # fmt: skip


@register.simple_block_tag
def selection_bar(content: str, *, form: str, hint: str) -> str:
    """Wrap the buttons of bulk acts, each with `form` and `formaction`; the bar stays in view below the list."""
    require("selection_bar", form=form, hint=hint)
    return render_to_string("components/selection_bar.html", {"content": content, "form": form, "hint": hint})


def _chips(form: BaseForm, query: QueryDict) -> Iterator[tuple[str, str, str]]:
    """Yield label, value in words, and the address without it, for every filter that is set."""
    for bound in form:
        for value in filter(None, query.getlist(bound.name)):
            kept = [other for other in query.getlist(bound.name) if other and other != value]
            changed = query.copy()
            changed.setlist(bound.name, kept)
            yield str(bound.label), _words(bound, value), _link(changed, without=() if kept else (bound.name,))


def _words(bound: BoundField, value: str) -> str:
    """Return what a person reads for a value of a field: the words of the choice, or what was typed."""
    for key, words in getattr(bound.field, "choices", ()):
        if str(key) == value:
            return str(words)
    return "" if value == "on" else value


@register.inclusion_tag("components/filter_chips.html")
def filter_chips(form: BaseForm, query: QueryDict) -> dict[str, object]:
    """Render the filters that are set, each with a link that takes it away; nothing where none is set."""
    if not isinstance(form, BaseForm):
        raise TemplateSyntaxError("{% filter_chips %} needs the form of the filters.")
    query = query_of("filter_chips", query)
    return {"chips": list(_chips(form, query)), "clear_url": _link(query, without=tuple(form.fields))}


@register.inclusion_tag("components/result_count.html")
def result_count(count: int, singular: str, plural: str, *, about: bool = False) -> dict[str, object]:
    """Render how many a list holds: "1,204 people", or with `about` "About 1,000,000 people"."""
    require("result_count", singular=singular, plural=plural)
    return {"count": f"{int(count):,}", "noun": singular if count == 1 else plural, "about": about}


@register.filter
def thousands(number: int) -> str:
    """Write a number as people read it: 1204 as "1,204"."""
    return f"{int(number):,}"


@register.inclusion_tag("components/pager.html")
def pager(
    first_url: str,
    next_url: str,
    previous_url: str = "",
    *,
    first_label: str = "First",
    next_label: str = "Next",
    previous_label: str = "Previous",
    label: str = "Pages",
) -> dict[str, str]:
    """Render the links of a list that pages by key; an empty address has no link, three of them have no component."""
    require("pager", first_label=first_label, next_label=next_label, previous_label=previous_label, label=label)
    return {
        "first_url": first_url,
        "next_url": next_url,
        "previous_url": previous_url,
        "first_label": first_label,
        "next_label": next_label,
        "previous_label": previous_label,
        "label": label,
    }
