"""Backup and restore: one encrypted file with everything that makes an installation what it is. See docs/backup.md.

`age` encrypts, `records` writes rows into it and reads them, `contents` says which tables belong there, `snapshot` and
`making` make a backup while people sign in, `checking` and `restoring` bring one back.
"""
