"""The file format age, version 1, with a passphrase: https://c2sp.org/age (the `scrypt` recipient type).

A file key is wrapped with a key that scrypt (RFC 7914) makes of the passphrase. The content is cut into chunks of
64 KiB, each encrypted with ChaCha20-Poly1305 (RFC 8439) under a nonce that counts the chunks and marks the last one:
the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, CRYPTO 2015). What is cut off, moved, repeated or changed is noticed before it is used.

The program `age` opens such a file as well. Memory is one or two chunks, and what scrypt takes.
"""

import base64
import binascii
import os
import re
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from portal.backup.errors import BackupDamaged, BackupNotOne, BackupPassphraseWrong

VERSION_LINE = b"age-encryption.org/v1\n"
CHUNK = 64 * 1024
_TAG = 16
_LABEL = b"age-encryption.org/v1/scrypt"
_NO_NONCE = bytes(12)
# 2^17 blocks of 1 KiB: 128 MiB and about half a second for each guess. Whoever made a file says how much its reader
# shall spend, so there is a limit to what is believed.
WORK_FACTOR = 17
MOST_WORK = 18
_STANZA = re.compile(rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n")
_LONGEST_LINE = 128


class AgeWriter:
    """Encrypts what is written to it. Only `finish` makes the file complete: without it a reader finds it cut off."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        self._target = target
        self._waiting = bytearray()
        self._counter = 0
        file_key, nonce = os.urandom(16), os.urandom(16)
        target.write(_header(file_key, passphrase) + nonce)
        self._cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))

    def write(self, data: bytes) -> None:
        """Take some of the content."""
        self._waiting += data
        # The last chunk is marked, so the one at hand is kept back until it is known whether another follows.
        while len(self._waiting) > CHUNK:
            self._write_chunk(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk."""
        self._write_chunk(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _write_chunk(self, chunk: bytes, *, is_last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._counter, is_last=is_last), chunk, None))
        self._counter += 1


class AgeReader:
    """Decrypts a file piece by piece. No piece is returned that was not verified.

    Args:
        source: the file, at its beginning. A read returns fewer bytes than asked for at the end only.
        name: what errors call it.

    Raises:
        BackupNotOne: it is no age file, or not one with a passphrase.
        BackupPassphraseWrong: the passphrase does not unwrap the key. A changed salt looks the same.
        BackupDamaged: the header was changed.
    """

    def __init__(self, source: BinaryIO, passphrase: str, *, name: str) -> None:
        self._source = source
        self._counter = 0
        file_key = _open_header(source, passphrase, name)
        nonce = source.read(16)
        if len(nonce) < 16:
            raise BackupDamaged(what="it ends after its header")
        self._cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
        self._next = source.read(CHUNK + _TAG)
        self._is_over = False

    def read_chunk(self) -> bytes:
        """Return the next piece of the content, or b"" at its end; raises BackupDamaged."""
        if self._is_over:
            return b""
        chunk, self._next = self._next, self._source.read(CHUNK + _TAG)
        self._is_over = not self._next
        try:
            plain = self._cipher.decrypt(_nonce(self._counter, is_last=self._is_over), chunk, None)
        except InvalidTag as error:
            where = f"its {self._counter + 1}th piece of 64 KiB was changed, or what follows it is missing"
            raise BackupDamaged(what=where) from error
        # Every content has one form: an empty last chunk stands for an empty content alone.
        if not plain and self._counter:
            raise BackupDamaged(what="it ends with an empty piece")
        self._counter += 1
        return plain


def _nonce(counter: int, *, is_last: bool) -> bytes:
    return counter.to_bytes(11, "big") + bytes([is_last])


def _derive(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt or None, info=info).derive(file_key)


def _wrapping(passphrase: str, salt: bytes, work_factor: int) -> ChaCha20Poly1305:
    """Return the cipher that wraps the file key; takes 128 * 8 * 2^work_factor bytes of memory for a moment."""
    kdf = Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
    return ChaCha20Poly1305(kdf.derive(passphrase.encode()))


def _header(file_key: bytes, passphrase: str) -> bytes:
    salt = os.urandom(16)
    wrapped = _wrapping(passphrase, salt, WORK_FACTOR).encrypt(_NO_NONCE, file_key, None)
    stanza = b"-> scrypt %s %d\n%s\n" % (_base64(salt), WORK_FACTOR, _base64(wrapped))
    signed = VERSION_LINE + stanza + b"---"
    return signed + b" " + _base64(_mac(file_key, signed).finalize()) + b"\n"


def _mac(file_key: bytes, signed: bytes) -> HMAC:
    mac = HMAC(_derive(file_key, b"", b"header"), SHA256())
    mac.update(signed)
    return mac


def _open_header(source: BinaryIO, passphrase: str, name: str) -> bytes:
    """Read the header and return the file key."""
    if source.readline(_LONGEST_LINE) != VERSION_LINE:
        raise BackupNotOne(path=name)
    stanza = source.readline(_LONGEST_LINE)
    found = _STANZA.fullmatch(stanza)
    if found is None:
        raise BackupDamaged(what="its header is not one of a file with a passphrase")
    work_factor = int(found[2])
    if work_factor > MOST_WORK:
        raise BackupDamaged(what="its header asks for more memory than any backup of ours")
    body, last = source.readline(_LONGEST_LINE), source.readline(_LONGEST_LINE)
    if not last.startswith(b"--- "):
        raise BackupDamaged(what="its header is not complete")
    wrapped, mac = _from_base64(body), _from_base64(last[4:])
    try:
        file_key = _wrapping(passphrase, _from_base64(found[1] + b"\n"), work_factor).decrypt(_NO_NONCE, wrapped, None)
    except InvalidTag as error:
        raise BackupPassphraseWrong() from error
    try:
        _mac(file_key, VERSION_LINE + stanza + body + b"---").verify(mac)
    except InvalidSignature as error:
        raise BackupDamaged(what="its header was changed") from error
    return file_key


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _from_base64(line: bytes) -> bytes:
    """Return what a line of unpadded base64 says; only the one canonical form is taken."""
    text = line[:-1] if line.endswith(b"\n") else b"?"
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise BackupDamaged(what="its header is not complete") from error
    if _base64(data) != text:
        raise BackupDamaged(what="its header is not complete")
    return data
