"""The encrypted file: what is cut off, moved, added or changed is noticed, and `age` itself would read it."""

import base64
import io
import os

import pytest

from portal.backup.age import CHUNK, MOST_WORK, AgeReader, AgeWriter
from users.errors import DirectoryError

PASSPHRASE = "correct horse battery staple"
SEALED = CHUNK + 16
# Made with age 1.1.1: `age --passphrase`.
OF_AGE = (
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBwUXNuUWF6djFuNEhGaTMxSm05Z1hBIDE4Ck1XcWFHajFGalZIZ09NTGNLd3JRZ0JFTkM0"
    "SDZqV2J5Sk9DZFZPRmpCaGMKLS0tIERUb1J3SFpzdi9qQjFzdnNPamVmZnVaY2xiZVVBTnZza3UwQVd5UE9PM0kKSfmaCS8fpEuq1+KWXj7mAIoq"
    "iA2sniPu6ZNmJwpJTy17OmbjAlc7JSZxXGxl0JqzeMzmGUbFrM+Hyy2lCfcpjXgac8Rf3Dg="
)


def encrypted(content: bytes) -> bytes:
    target = io.BytesIO()
    writer = AgeWriter(target, PASSPHRASE)
    for start in range(0, len(content), 10_000):
        writer.write(content[start : start + 10_000])
    writer.finish()
    return target.getvalue()


def decrypted(file: bytes, passphrase: str = PASSPHRASE) -> bytes:
    reader, content = AgeReader(io.BytesIO(file), passphrase, name="it"), b""
    while chunk := reader.read_chunk():
        content += chunk
    assert reader.read_chunk() == b""
    return content


def refused(file: bytes) -> str:
    with pytest.raises(DirectoryError) as raised:
        decrypted(file)
    return raised.value.code


@pytest.fixture(scope="module")
def content() -> bytes:
    """Three whole pieces, and a bit."""
    return os.urandom(3 * CHUNK + 1234)


def parts(file: bytes) -> tuple[bytes, list[bytes]]:
    """Return the header with the nonce, and the pieces."""
    begin = file.index(b"\n--- ") + 1
    begin = file.index(b"\n", begin) + 1 + 16
    return file[:begin], [file[at : at + SEALED] for at in range(begin, len(file), SEALED)]


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_what_is_written_is_read_again(length: int) -> None:
    content = os.urandom(length)
    assert decrypted(encrypted(content)) == content


def test_a_file_of_the_program_age_is_read() -> None:
    assert decrypted(base64.b64decode(OF_AGE)) == b"A text that another program encrypted.\n"


def test_two_files_of_one_content_have_nothing_in_common(content: bytes) -> None:
    (_, ours), (_, others) = parts(encrypted(content)), parts(encrypted(content))
    assert not set(ours) & set(others)


def test_another_passphrase_has_an_error_of_its_own(content: bytes) -> None:
    with pytest.raises(DirectoryError) as raised:
        decrypted(encrypted(content), PASSPHRASE + " ")
    assert raised.value.code == "portal.backup.passphrase_wrong"


def test_a_file_that_is_cut_off_anywhere_is_refused(content: bytes) -> None:
    file = encrypted(content)
    begin = len(parts(file)[0])
    borders = [begin + number * SEALED for number in range(4)]
    for end in [*range(begin), *borders, *(border + 1 for border in borders), len(file) - 1, len(file) - 16]:
        code = refused(file[:end])
        assert code == (
            "portal.backup.not_a_backup" if end < len("age-encryption.org/v1\n") else "portal.backup.damaged"
        )


def test_pieces_in_another_order_are_refused(content: bytes) -> None:
    head, pieces = parts(encrypted(content))
    first, second, third, last = pieces
    for order in ([second, first, third, last], [first, third, last], [first, first, second, third, last],
                  [first, second, last, third], [last], [first, second, third]):  # fmt: skip
        assert refused(head + b"".join(order)) == "portal.backup.damaged"
    _, others = parts(encrypted(content))
    assert refused(head + b"".join([first, others[1], third, last])) == "portal.backup.damaged"


@pytest.mark.parametrize("further", [b"\0", b"\n", b"x" * 16, b"x" * SEALED])
def test_what_is_appended_is_refused(content: bytes, further: bytes) -> None:
    assert refused(encrypted(content) + further) == "portal.backup.damaged"
    assert refused(encrypted(b"") + further) == "portal.backup.damaged"


def test_an_empty_last_piece_after_others_is_refused() -> None:
    """A second form of the same content would be no damage that anybody could see."""
    target = io.BytesIO()
    writer = AgeWriter(target, PASSPHRASE)
    writer._write_chunk(b"x" * CHUNK, is_last=False)
    writer._write_chunk(b"", is_last=True)
    assert refused(target.getvalue()) == "portal.backup.damaged"


def test_a_flipped_bit_anywhere_is_refused(content: bytes) -> None:
    file = encrypted(content)
    begin = len(parts(file)[0])
    # A bit of every byte of the header; of the pieces some, with the first and the last of each.
    places = [*range(begin), *range(begin, len(file), 5003)]
    places += [begin + number * SEALED + by for number in (0, 1, 2, 3) for by in (0, 1200)] + [len(file) - 1]
    codes = set()
    for place in places:
        changed = bytearray(file)
        changed[place] ^= 1 << place % 8
        codes.add(refused(bytes(changed)))
    assert codes == {"portal.backup.damaged", "portal.backup.not_a_backup", "portal.backup.passphrase_wrong"}


def test_a_header_that_asks_for_gigabytes_is_refused_before_it_gets_them(content: bytes) -> None:
    file = encrypted(content)
    for factor in (MOST_WORK + 1, 22, 30, 99):
        assert refused(file.replace(b" 10\n", b" %d\n" % factor, 1)) == "portal.backup.damaged"
    for text in (b" 010\n", b" 0\n", b" -1\n", b" 100\n", b" 1e1\n", b"\n"):
        assert refused(file.replace(b" 10\n", text, 1)) == "portal.backup.damaged"


@pytest.mark.parametrize("file", [b"", b"\n", b"SQLite format 3\0" * 100, b"PGDMP" + bytes(5000), b"\xff" * 100_000])
def test_another_file_is_no_backup(file: bytes) -> None:
    assert refused(file) == "portal.backup.not_a_backup"
