"""The audit log speaks in sentences: every action that the code records has words, and the pages lead with them."""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from portal.audit_words import ACTION_WORDS
from tests.browsing import Browser, last_event
from tests.factories import OPERATOR, make_administrator, make_person
from tests.portal.test_directory_words import text_of
from tests.test_error_catalogue import ERRORS, PRODUCT, ROOT
from users.administrators import remove_administrator
from users.audit import record
from users.errors import DirectoryError
from users.groups import add_group
from users.models import User

URL = "/admin/insights/directory/"
# Dotted texts that are no actions: paths of our own Python.
NOT_RECORDING = {"settings.py", "urls.py", "wsgi.py", "apps.py", "audit_words.py"}
ACTION = re.compile(r"(?:admin_portal|audit|backup|idp|keys|operator|portal|users)(?:\.[a-z_]+){1,2}")
# As in f"{ACTION}.failed" and f"{ACTIONS[realm]}.failed"; and what stands in these.
STEMS = {"portal.confirmation", "portal.sign_in", "admin_portal.sign_in"}
PUT_TOGETHER = re.compile(r"\{(?:ACTION|ACTIONS\[.+\])\}(\.[a-z_]+)")


def texts(path: Path) -> Iterator[str]:
    """Yield every text of a module; of one that is put together its parts, with what is put in as it is written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)[2:-1]


def recorded() -> set[str]:
    """Return every action that the code can record: its dotted texts that are no codes of errors."""
    paths = [path for path in PRODUCT if path.name not in NOT_RECORDING and "migrations" not in path.parts]
    told = {text for path in paths for text in texts(path)}
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in PRODUCT}
    plain = {text for text in told if ACTION.fullmatch(text)} - {error.code for error in ERRORS} - (modules - STEMS)
    assert plain >= STEMS
    endings = {match[1] for text in told if (match := PUT_TOGETHER.fullmatch(text))}
    assert endings == {".failed", ".succeeded", ".password_accepted"}
    made = {stem + ending for stem, ending in product(STEMS, endings)}
    return (plain - STEMS | made) - {"portal.confirmation.password_accepted"}


RECORDED = recorded()


@pytest.mark.parametrize("action", sorted(RECORDED))
def test_every_action_has_words(action: str) -> None:
    words = ACTION_WORDS.get(action, "")
    assert words[:1].isupper() and "_" not in words and len(words) <= 60, f"no words for {action}"


def test_no_words_are_left_over_and_no_two_are_the_same() -> None:
    assert sorted(set(ACTION_WORDS) - RECORDED) == []
    assert len(set(ACTION_WORDS.values())) == len(ACTION_WORDS)


def test_the_list_leads_with_words_and_names_the_details(admin_browser: Browser) -> None:
    add_group(actor=OPERATOR, name="Engineers", description="Those who build")
    page = text_of(admin_browser.get(URL).content)
    assert "Group added users.group.added" in page and "Description Those who build" in page
    assert '<option value="users.group.added">Group added</option>' in admin_browser.get(URL).content.decode()


def test_an_act_that_was_refused_is_not_told_as_done(admin_browser: Browser, administrator: User) -> None:
    with pytest.raises(DirectoryError):
        remove_administrator(actor=OPERATOR, person=administrator)
    page = text_of(admin_browser.get(URL).content)
    assert "Refused: administrator removed users.administrator.removed" in page
    Browser().post("/login/password/", {"email": "nobody@contoso.example", "password": "x"})
    assert " Sign-in to the User Portal failed portal.sign_in.failed" in text_of(admin_browser.get(URL).content)


def test_the_page_of_an_event_is_headed_by_words(admin_browser: Browser) -> None:
    person = make_person(display_name="Ada Lovelace")
    record(
        "users.person.edited",
        actor=OPERATOR,
        target=person,
        details={"people_sent": 288, "some_number": None, "role": "administrator_with_billing", "realm": "user"},
    )
    event = last_event(action="users.person.edited")
    page = text_of(admin_browser.get(f"{URL}{event.pk}/").content)
    assert "Directory / Person changed" in page.replace("Directory Person", "Directory / Person")
    assert f"Ada Lovelace Person {person.pk}" in page and "users.person.edited" in page
    assert "People who now sign in there 288" in page and "Some number –" in page
    assert "Role Administrator With Billing" in page and "Portal User Portal" in page
    assert "people_sent" not in page and "administrator_with_billing" not in page


def test_values_are_named_only_where_they_are_such(admin_browser: Browser) -> None:
    details = {"rule": "administrator", "from": "help_desk", "to": "read_only", "role": "of old", "realm": ["user"]}
    record("users.administrator.role_set", actor=OPERATOR, target=make_person(), details=details)
    page = text_of(admin_browser.get(f"{URL}{last_event(action='users.administrator.role_set').pk}/").content)
    assert "Rule administrator" in page and "From Help Desk" in page and "To Read Only" in page
    assert "Role of old" in page and 'Portal [ "user" ]' in page.replace("&quot;", '"')


def test_an_action_of_nobody_stands_for_itself(admin_browser: Browser) -> None:
    make_administrator()
    record("test.of_nothing", actor=OPERATOR)
    assert "test.of_nothing test.of_nothing" in text_of(admin_browser.get(URL).content)
