"""CSV files that a spreadsheet opens as texts and numbers, never as formulas."""

# A spreadsheet takes a cell that begins so for a formula, which may run a program or send the sheet elsewhere (OWASP,
# "CSV Injection").
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutralise(cell: object) -> str:
    """Return the text of a cell, with a single quote before what a spreadsheet would take for a formula.

    None is an empty cell. The quote stays in the text: programs that read such a file may take it off again.
    """
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_DANGEROUS) else text
