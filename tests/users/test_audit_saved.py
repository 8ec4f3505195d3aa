"""Filters that administrators keep under a name."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.browsing import last_event
from tests.factories import OPERATOR, make_administrator
from tests.users.support import as_person, at_once, refused
from users import saved_filters
from users.audit_errors import (
    SavedFilterEmpty,
    SavedFilterNameTaken,
    SavedFilterNotFound,
    SavedFiltersTooMany,
    SavedFilterTooLong,
)
from users.audit_filter import AuditFilter
from users.errors import NameInvalid, PermissionRefused
from users.models import AdminRole, SavedFilter, User
from users.saved_filters import delete_filter, filter_of, filters_for, save_filter

pytestmark = pytest.mark.django_db

REFUSED = AuditFilter(outcome="refused", last="7d")


def names(person: User) -> list[str]:
    return [saved.name for saved in filters_for(person)]


def test_it_keeps_what_it_was_given(administrator: User) -> None:
    saved = save_filter(actor=as_person(administrator), name="  Refusals of  the week ", wanted=REFUSED)
    assert (saved.name, filter_of(saved), saved.is_shared) == ("Refusals of the week", REFUSED, False)
    fixed = AuditFilter(since=timezone.now().replace(microsecond=0) - timedelta(days=1), person="Zoë & co=1")
    assert filter_of(save_filter(actor=as_person(administrator), name="Fixed", wanted=fixed)) == fixed
    event = last_event(action="audit.filter.saved")
    assert (event.target_label, event.details["filter"]) == ("Fixed", fixed.as_query())


def test_others_see_only_what_is_shared(administrator: User) -> None:
    reader = make_administrator(AdminRole.READ_ONLY)
    save_filter(actor=as_person(administrator), name="mine", wanted=REFUSED)
    save_filter(actor=as_person(administrator), name="ours", wanted=REFUSED, is_shared=True)
    save_filter(actor=as_person(reader), name="Hers", wanted=REFUSED)
    assert (names(administrator), names(reader)) == (["mine", "ours"], ["Hers", "ours"])


def test_a_name_is_its_owners_once(administrator: User) -> None:
    save_filter(actor=as_person(administrator), name="Mine", wanted=REFUSED)
    error = refused(SavedFilterNameTaken, save_filter, actor=as_person(administrator), name="mINE", wanted=REFUSED)
    assert error.code == "users.saved_filter_name_taken"
    save_filter(actor=as_person(make_administrator()), name="Mine", wanted=REFUSED)
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedFilter.objects.create(owner=administrator, name="MINE", query="outcome=refused")


@pytest.mark.django_db(transaction=True)
def test_two_that_save_one_name_at_once_are_told_apart(administrator: User) -> None:
    actor = as_person(administrator)
    ends = at_once(*[lambda: save_filter(actor=actor, name="Mine", wanted=REFUSED)] * 2)
    assert sorted(type(end).__name__ for end in ends) == ["SavedFilter", "SavedFilterNameTaken"]


@pytest.mark.parametrize(("name", "wanted"), [("", REFUSED), ("  ", REFUSED), ("x", AuditFilter())])
def test_what_says_nothing_is_not_kept(name: str, wanted: AuditFilter, administrator: User) -> None:
    error = refused(SavedFilterEmpty, save_filter, actor=as_person(administrator), name=name, wanted=wanted)
    assert error.code == "users.saved_filter_empty"


@pytest.mark.parametrize("name", ["a\x07b", "a\N{RIGHT-TO-LEFT OVERRIDE}b"])
def test_a_name_that_cannot_be_shown_is_refused(name: str, administrator: User) -> None:
    refused(NameInvalid, save_filter, actor=as_person(administrator), name=name, wanted=REFUSED)


@pytest.mark.parametrize("letter", ["x", "ä"])
def test_every_name_that_the_form_takes_is_kept(letter: str, administrator: User) -> None:
    wanted = AuditFilter(person=letter * 254, actor=letter * 254)
    assert filter_of(save_filter(actor=as_person(administrator), name="long", wanted=wanted)) == wanted


def test_what_no_address_can_hold_is_refused(administrator: User) -> None:
    wanted = AuditFilter(person="\N{GRINNING FACE}" * 254, actor="\N{GRINNING FACE}" * 254)
    error = refused(SavedFilterTooLong, save_filter, actor=as_person(administrator), name="long", wanted=wanted)
    assert error.code == "users.saved_filter_too_long"
    assert not SavedFilter.objects.exists()


def test_there_is_an_end_to_them(administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MOST", 1)
    save_filter(actor=as_person(administrator), name="one", wanted=REFUSED)
    error = refused(SavedFiltersTooMany, save_filter, actor=as_person(administrator), name="two", wanted=REFUSED)
    assert error.code == "users.saved_filters_too_many"


def test_one_deletes_ones_own(administrator: User) -> None:
    reader = make_administrator(AdminRole.READ_ONLY)
    saved = save_filter(actor=as_person(reader), name="mine", wanted=REFUSED)
    error = refused(SavedFilterNotFound, delete_filter, actor=as_person(administrator), pk=saved.pk)
    assert error.code == "users.saved_filter_not_found"
    assert delete_filter(actor=as_person(reader), pk=saved.pk) == "mine"
    assert last_event(action="audit.filter.deleted", outcome="success").target_label == "mine"
    refused(SavedFilterNotFound, delete_filter, actor=as_person(reader), pk=saved.pk)
    refused(SavedFilterNotFound, delete_filter, actor=OPERATOR, pk=saved.pk)


def test_what_is_shared_is_deleted_by_its_owner_or_who_manages_the_organization(administrator: User) -> None:
    reader, other = make_administrator(AdminRole.READ_ONLY), make_administrator(AdminRole.ADMINISTRATOR)
    saved = save_filter(actor=as_person(reader), name="ours", wanted=REFUSED, is_shared=True)
    refused(PermissionRefused, delete_filter, actor=as_person(other), pk=saved.pk)
    delete_filter(actor=as_person(administrator), pk=saved.pk)
    assert names(reader) == []


def test_the_help_desk_keeps_none() -> None:
    actor = as_person(make_administrator(AdminRole.HELP_DESK))
    refused(PermissionRefused, save_filter, actor=actor, name="x", wanted=REFUSED)


def test_they_go_with_their_owner(administrator: User) -> None:
    save_filter(actor=as_person(administrator), name="mine", wanted=REFUSED, is_shared=True)
    administrator.delete()
    assert not SavedFilter.objects.exists()
