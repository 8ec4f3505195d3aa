"""The components of both portals render what their contract says, and a template that misuses one fails at once."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template, TemplateSyntaxError
from django.utils.safestring import mark_safe

SVG = mark_safe('<svg viewBox="0 0 2 2"><path d="M0 0h1v1H0z"/></svg>')


class FilterForm(forms.Form):
    """Filters of every sort."""

    q = forms.CharField(label="Search", required=False)
    state = forms.MultipleChoiceField(label="State", choices=[("active", "Active"), ("staged", "Staged")])
    never = forms.BooleanField(label="Never signed in", required=False)


class Parts(HTMLParser):
    """Collects the elements of a piece of markup, and refuses one that is not closed in its order."""

    VOID = {"input", "meta", "br", "path", "rect", "circle", "line"}

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(markup)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and what it has."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one which was opened."""
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every element with this name."""
        return [attributes for name, attributes in self.elements if name == tag]


def render(source: str, **context: Any) -> str:
    """Render a piece of a template."""
    return Template("{% load ui %}" + source).render(Context(context))


def words(markup: str) -> str:
    """Return what a person reads of some markup."""
    return " ".join(re.sub(r"<[^>]+>", "", markup).split())


def query(text: str = "") -> QueryDict:
    """Return what a view has as request.GET."""
    return QueryDict(text)


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current", "extra", "direction", "leads_to"),
    [
        ("name", "", "ascending", "-name"),
        ("-name", "", "descending", "name"),
        ("email", "", None, "name"),
        ("email", 'first="descending"', None, "-name"),
        ("-name", 'first="descending"', "descending", "name"),
    ],
)
def test_sort_header_says_the_order_and_turns_it(
    current: str, extra: str, direction: str | None, leads_to: str
) -> None:
    source = f'{{% sort_header "Name" "name" query current=current {extra} %}}'
    parts = Parts(render(source, query=query("state=a&state=b&sort=x&after=12&before=3&page=4"), current=current))
    [cell], [link] = parts.all("th"), parts.all("a")
    assert (cell["scope"], cell.get("aria-sort")) == ("col", direction)
    assert query(link["href"].removeprefix("?")) == query(f"state=a&state=b&sort={leads_to}")


def test_sort_header_has_a_class_and_a_parameter_of_its_own() -> None:
    source = '{% sort_header "Seen" "seen" query current="" parameter="order" css_class="number" %}'
    parts = Parts(render(source, query=query()))
    assert parts.all("th")[0]["class"] == "number"
    assert parts.all("a")[0]["href"] == "?order=seen"


def test_a_selection_belongs_to_a_form_that_stands_elsewhere() -> None:
    source = """
      <table><thead><tr>{% select_header form="bulk" %}</tr></thead>
      <tbody><tr>{% select_row 7 label form="bulk" checked=True %}</tr></tbody></table>
      {% selection_bar form="bulk" hint="Tick people." %}<button form="bulk">Suspend</button>{% endselection_bar %}"""
    markup = render(source, label="Ada <Lovelace>")
    [box] = Parts(markup).all("input")
    assert {name: box[name] for name in ("type", "name", "value", "form", "aria-label", "checked")} == {
        "type": "checkbox",
        "name": "selected",
        "value": "7",
        "form": "bulk",
        "aria-label": "Select Ada <Lovelace>",
        "checked": "",
    }
    assert words(markup) == "Select Tick people. Suspend"


def test_filter_chips_take_one_filter_away_each() -> None:
    asked = query("q=a%26b&state=active&state=staged&never=on&sort=name&after=9")
    markup = render("{% filter_chips form query %}", form=FilterForm(asked), query=asked)
    links = [(link.get("aria-label"), link["href"]) for link in Parts(markup).all("a")]
    assert links == [
        ("Remove the filter Search: a&b", "?state=active&state=staged&never=on&sort=name"),
        ("Remove the filter State: Active", "?q=a%26b&state=staged&never=on&sort=name"),
        ("Remove the filter State: Staged", "?q=a%26b&state=active&never=on&sort=name"),
        ("Remove the filter Never signed in", "?q=a%26b&state=active&state=staged&sort=name"),
        (None, "?sort=name"),
    ]


def test_filter_chips_are_not_there_without_a_filter() -> None:
    asked = query("q=&sort=name")
    assert render("{% filter_chips form query %}", form=FilterForm(asked), query=asked).strip() == ""


@pytest.mark.parametrize(
    ("count", "extra", "text"),
    [
        (0, "", "0 people"),
        (1, "", "1 person"),
        (1204, "", "1,204 people"),
        (1_000_000, "about=True", "About 1,000,000 people"),
    ],
)
def test_result_count(count: int, extra: str, text: str) -> None:
    assert words(render(f'{{% result_count count "person" "people" {extra} %}}', count=count)) == text


def test_pager_links_what_there_is() -> None:
    markup = render('{% pager "?" "?after=2" "?before=1" first_label="Newest" next_label="Older" %}')
    assert words(markup) == "Newest Previous Older"
    assert [link.get("rel") for link in Parts(markup).all("a")] == [None, "prev", "next"]
    assert render('{% pager "" "" %}').strip() == ""


# --- pages -----------------------------------------------------------------------------------------------------------


def test_tabs_are_links_of_which_one_is_this_page() -> None:
    markup = render('{% tabs "Ada Lovelace" "Details" "/d/" "Sign-in" "/s/" current="Sign-in" %}')
    parts = Parts(markup)
    assert parts.all("nav")[0]["aria-label"] == "Ada Lovelace"
    assert [(link["href"], link.get("aria-current")) for link in parts.all("a")] == [("/d/", None), ("/s/", "page")]


@pytest.mark.parametrize(
    ("value", "maximum", "bar", "text"),
    [
        (40, 1000, {"value": "40", "max": "1000"}, "40 of 1,000"),
        (2000, 1000, {"value": "1000", "max": "1000"}, "1,000 of 1,000"),
        (None, 1000, {}, ""),
        (0, 0, {}, ""),
    ],
)
def test_progress_says_how_far_it_is(value: int | None, maximum: int, bar: Mapping[str, str], text: str) -> None:
    parts = Parts(markup := render('{% progress value maximum "Importing" %}', value=value, maximum=maximum))
    assert parts.all("progress") == [{"id": "progress-importing", **bar}]
    assert parts.all("label") == [{"for": "progress-importing"}]
    assert words(markup) == f"Importing {text} {text}".strip()
    assert "data-poll" not in markup


def test_progress_that_updates_itself_and_without_scripts_refreshes() -> None:
    source = '{% refresh_without_scripts 5 %}{% progress 1 2 "Importing" text="1 row" poll_url=url %}'
    markup = render(source, url="/status/?a=1&b=2")
    assert Parts(markup).all("div")[0]["data-poll"] == "/status/?a=1&b=2"
    assert markup.startswith('<noscript><meta http-equiv="refresh" content="5"></noscript>')


def test_fact_has_an_act_beside_it() -> None:
    markup = render('{% fact "Role" action_url="/role/" %}<b>Help Desk</b>{% endfact %}')
    assert words(markup) == "Role Help Desk Change: Role"
    assert Parts(markup).all("a") == [{"href": "/role/"}]
    assert Parts(render('{% fact "Role" %}None{% endfact %}')).all("a") == []


def test_danger_zone_is_named_by_its_heading() -> None:
    markup = render('{% danger_zone "Delete Ada" "All is lost." %}<a href="/x/">Delete</a>{% enddanger_zone %}')
    parts = Parts(markup)
    assert parts.all("section")[0]["aria-labelledby"] == parts.all("h2")[0]["id"] == "delete-ada"
    assert words(markup) == "Delete Ada All is lost. Delete"


def test_code_list_shows_every_code_and_hides_buttons_that_need_scripts() -> None:
    markup = render('{% code_list "Recovery codes" codes %}', codes=["abcd-efgh", "ijkl-mnop"])
    assert re.findall(r"<code[^>]*>([^<]+)<", markup) == ["abcd-efgh", "ijkl-mnop"]
    assert all("hidden" in button for button in Parts(markup).all("button"))


def test_qr_box_has_a_name() -> None:
    markup = render('{% qr_box svg "Key for the authenticator" %}', svg=SVG)
    [box] = Parts(markup).all("div")
    assert (box["role"], box["aria-label"]) == ("img", "Key for the authenticator")
    assert str(SVG) in markup


def test_stat_is_a_link_where_it_leads_somewhere() -> None:
    assert Parts(render('{% stat "Active people" 3 url="/people/" %}')).all("a")[0]["href"] == "/people/"
    assert Parts(render('{% stat "Active people" 3 %}')).all("a") == []


# --- misuse ----------------------------------------------------------------------------------------------------------

MISUSED = [
    '{% sort_header "" "name" query current="" %}',
    '{% sort_header "Name" "name" "a=b" current="" %}',
    '{% sort_header "Name" "name" query current="" first="up" %}',
    '{% select_header form="" %}',
    '{% select_row 1 "" form="bulk" %}',
    '{% selection_bar form="bulk" hint="" %}{% endselection_bar %}',
    "{% filter_chips query query %}",
    '{% filter_chips form "a=b" %}',
    '{% result_count 1 "" "people" %}',
    '{% pager "" "" first_label="" %}',
    '{% tabs "" "Details" "/d/" current="Details" %}',
    '{% tabs "Ada" "Details" current="Details" %}',
    '{% tabs "Ada" "Details" "/d/" current="Sessions" %}',
    '{% progress 1 2 "" %}',
    "{% refresh_without_scripts 0 %}",
    '{% fact "" %}x{% endfact %}',
    '{% danger_zone "Delete" "" %}{% enddanger_zone %}',
    '{% code_list "Codes" none %}',
    '{% code_list "Codes" "abcd" %}',
    '{% qr_box svg "" %}',
    '{% qr_box unsafe "Key" %}',
    '{% stat "Active" 3 tone="happy" %}',
    '{% badge "Active" tone="happy" %}',
    '{% banner tone="happy" %}x{% endbanner %}',
    '{% dialog id="x" title="" %}x{% enddialog %}',
    '{% empty_state "link" "" %}x{% endempty_state %}',
    '{% breadcrumbs "Home" "/" %}',
]


@pytest.mark.parametrize("source", MISUSED, ids=json.dumps)
def test_misuse_is_a_mistake_in_the_template(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        render(source, query=query(), form=FilterForm(), svg=SVG, unsafe="<svg>", none=[])
