"""Files of people: what is read, what is refused as a whole, and which rows have problems of their own."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users import people_csv
from users.csv_safety import neutralise, restore, safe_line
from users.errors import DirectoryError
from users.people_csv import COLUMNS, join_groups, read_file, split_groups, template


def cells(text: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Return what a file says, row by row."""
    found = read_file(text.encode(encoding))
    assert not found.problems
    return [dict(zip(found.columns, row.cells, strict=True)) for row in sorted(found.rows, key=lambda row: row.line)]


def refused(content: bytes) -> DirectoryError:
    with pytest.raises(DirectoryError) as raised:
        read_file(content)
    assert (raised.value.field, raised.value.exit_status, raised.value.http_status) == ("file", 2, 422)
    return raised.value


def problems(text: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.error.code, each.error.field) for each in read_file(text.encode()).problems]


ADA = [{"company_email": "ada@contoso.example", "given_name": "Ada"}]


@pytest.mark.parametrize(
    "text",
    [
        "company_email,given_name\nada@contoso.example,Ada\n",
        "COMPANY EMAIL,Given-Name\r\nada@contoso.example,Ada\r\n",
        "E-Mail;First name\rada@contoso.example;Ada\r",
        "Mail\tforename\nada@contoso.example\tAda",
        '\ufeff"UPN","first_name"\n\n , \n"ada@contoso.example","Ada"\n\n',
        "email,given name,,\nada@contoso.example,Ada,,\n",
        "sep=;\r\nemail;given name\r\nada@contoso.example;Ada\r\n",
        '\ufeff"SEP=|"\nemail|given name\nada@contoso.example|Ada\n',
        "sep=\t\nemail\tgiven name\nada@contoso.example\tAda\n",
    ],
)
def test_a_file_is_read_however_it_was_written(text: str) -> None:
    assert cells(text) == ADA


def test_the_line_that_names_the_separator_counts_as_a_line() -> None:
    found = read_file(b"sep=;\n\nemail;title\na@b.example;x\nc@b.example;x,y;z\n")
    assert [row.line for row in found.rows] == [4]
    assert [(each.line, each.error.code) for each in found.problems] == [(5, "users.import_row_width")]


def test_columns_come_in_any_order_and_unknown_ones_are_named() -> None:
    found = read_file(b"Shoe size,Surname,Email\n39,Lovelace,ada@contoso.example\n")
    assert (found.columns, found.unknown) == (("family_name", "company_email"), ("Shoe size",))
    assert found.headings == {"family_name": "Surname", "company_email": "Email"}
    assert found.rows[0].cells == ["Lovelace", "ada@contoso.example"]


def test_separators_in_a_quoted_heading_do_not_count() -> None:
    found = read_file(b'Email;Forename;"Shoe size, left, right"\nada@contoso.example;Ada;39\n')
    assert (found.columns, found.unknown) == (("company_email", "given_name"), ("Shoe size, left, right",))


def test_every_alias_means_its_column_and_no_other() -> None:
    for column, others in COLUMNS.items():
        for name in (column, *others, column.upper(), column.replace("_", " ")):
            header = name if column == "company_email" else f"company_email,{name}"
            assert read_file(f"{header}\na@b.example,x\n".encode()).columns[-1] == column


def test_values_in_quotes_hold_separators_and_line_breaks() -> None:
    text = 'email,department,title\nada@contoso.example,"Sums, and\nmore","The ""first"""\ngrace@contoso.example,,\n'
    assert cells(text)[0]["department"] == "Sums, and\nmore"
    assert cells(text)[0]["title"] == 'The "first"'
    assert [row.line for row in read_file(text.encode()).rows] == [2, 4]


def test_rows_with_a_user_name_come_before_those_that_get_one_proposed() -> None:
    found = read_file(b"email,user name\na@x.example,\nb@x.example,a\n")
    assert [row.line for row in found.rows] == [3, 2]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "users.import_file_empty", "no people"),
        (b"\n\n", "users.import_file_empty", "no people"),
        (b"company_email\n\n", "users.import_file_empty", "no people"),
        ("company_email\na@b.example".encode("utf-16"), "users.import_encoding_wrong", "UTF-16"),
        ("email\na@b.co".encode("utf-16"), "users.import_encoding_wrong", "UTF-16"),
        ("company_email,title\na@b.example,x".encode("utf-16-le"), "users.import_encoding_wrong", "UTF-16"),
        ("email\na@b.co".encode("utf-16-le"), "users.import_encoding_wrong", "UTF-16"),
        ("email\na@b.co".encode("utf-16-be"), "users.import_encoding_wrong", "UTF-16"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\x80", "users.import_spreadsheet", "Excel or LibreOffice"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "users.import_spreadsheet", "old Excel"),
        (b"sep=;\n", "users.import_file_empty", "no people"),
        ("company_email,title\na@b.example,é".encode("latin-1"), "users.import_encoding_wrong", "line 2"),
        (b"company_email,title\na@b.example,\xed\xa0\x80", "users.import_encoding_wrong", "byte ED"),
        (b"given_name,title\nAda,x\n", "users.import_column_missing", "given_name, title"),
        (b"ada@contoso.example\n", "users.import_column_missing", "ada@contoso.example"),
        (b"mail,Email\na@b.example,a@b.example\n", "users.import_column_twice", "mail and Email"),
        (b'email,title\na@b.example,"x\ny\n', "users.import_not_csv", "Line 2"),
        (b'email,title\na@b.example,x\nc@b.example,"x"y\n', "users.import_not_csv", "Line 3"),
        (b"email,title\na@b.example," + b"x" * 10_000_000 + b"\n", "users.import_not_csv", "Line 2"),
    ],
)
def test_what_is_no_list_of_people_is_refused_as_a_whole(content: bytes, code: str, words: str) -> None:
    error = refused(content)
    assert error.code == code
    assert words in error.message


def test_size_and_number_of_rows_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_csv, "MAX_ROWS", 2)
    assert refused(b"email\na@b.example\nc@b.example\nd@b.example\n").code == "users.import_too_many_rows"
    monkeypatch.setattr(people_csv, "MAX_BYTES", 10)
    assert refused(b"email\na@b.example\n").code == "users.import_file_too_large"


def test_rows_of_the_wrong_width_and_with_nul_are_problems() -> None:
    text = "email,title\na@b.example\nc@b.example,x,y\nd@b.example,x\x00\ne@b.example,x,,\n"
    assert problems(text) == [
        (2, "users.import_row_width", ""),
        (3, "users.import_row_width", ""),
        (4, "users.import_row_not_plain", ""),
    ]


def test_what_stands_in_the_file_already_is_a_problem() -> None:
    text = (
        "email,user name,external id\n"
        "a@b.example,a,ABC\n"
        "A@B.example,b,x\n"
        "c@b.example,A,y\n"
        "d@b.example,d,ABC\n"
        "e@b.example,e,abc\n"
        "f@b.example,,1B4E28BA-2FA1-11D2-883F-0016D3CCA427\n"
        "g@b.example,,1b4e28ba-2fa1-11d2-883f-0016d3cca427\n"
    )
    assert problems(text) == [
        (3, "users.import_row_repeats", "company_email"),
        (4, "users.import_row_repeats", "user_name"),
        (5, "users.import_row_repeats", "external_id"),
        (8, "users.import_row_repeats", "external_id"),
    ]
    assert "line 2" in str(read_file(text.encode()).problems[0].error)


def test_the_template_has_every_column_and_nobody() -> None:
    assert refused(template().encode()).code == "users.import_file_empty"
    assert read_file(f"{template()}a@b.example{',' * (len(COLUMNS) - 1)}".encode()).columns == tuple(COLUMNS)


@given(st.text(alphabet="a'\"=+-@\uff1d;,\t\r\n "))
def test_no_separator_makes_a_neutralised_cell_begin_a_formula(text: str) -> None:
    safe = neutralise(text)
    assert restore(safe) == text
    line = safe_line([text, text])
    assert next(csv.reader(io.StringIO(line, newline=""))) == [safe, safe]
    for separator in ";\t":
        for record in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            assert not [cell for cell in record if cell.startswith(("=", "+", "-", "@", "\uff1d"))]


def test_no_other_separator_divides_a_cell() -> None:
    line = safe_line(["Hall; B", "East\tWing"])
    for separator in ";\t":
        assert list(csv.reader([line], delimiter=separator))[0][0].startswith("Hall; B")
    assert line == '"Hall; B","East\tWing"\r\n'


@given(st.text())
def test_a_neutralised_cell_begins_no_formula_and_is_restored(text: str) -> None:
    safe = neutralise(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert restore(safe) == text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+44 20",
        "-x",
        "@x",
        "'=x",
        "''=x",
        "O'Brien",
        "'quoted'",
        "\uff1dx",
        "Foo;=1+1",
        "Foo;'=1",
        "Foo; bar-x",
        "a,=b",
    ],
)
def test_names_that_look_like_formulas_survive(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert (neutralise(text) == text) == (text in {"O'Brien", "'quoted'", "Foo; bar-x", "a,=b"})


@given(st.lists(st.text(min_size=1).filter(lambda name: name.strip() == name)))
def test_groups_in_one_cell_are_told_apart(names: list[str]) -> None:
    assert split_groups(join_groups(names)) == names


def test_groups_are_separated_by_bars() -> None:
    assert split_groups(" Sales |Support|| R\\|D ") == ["Sales", "Support", "R|D"]
