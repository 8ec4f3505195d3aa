"""Cells of CSV files that a spreadsheet would run as a formula, made plain text, and back again."""

# What spreadsheets take for the beginning of a formula, which may run a program or send the sheet elsewhere (OWASP,
# "CSV Injection"): also the wide forms, and what some of them skip first.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
QUOTE = "'"


def neutralise(cell: object) -> str:
    """Return the text of a cell that spreadsheets show and do not run: with a quote before what would be a formula.

    None is an empty cell. One more quote goes before quotes that stand there already, so that `restore` can always
    tell which were added.
    """
    text = "" if cell is None else str(cell)
    return f"{QUOTE}{text}" if text.lstrip(QUOTE).startswith(DANGEROUS) else text


def restore(cell: str) -> str:
    """Take off the one quote that `neutralise` put before a cell; any other cell stays as it is."""
    return cell[1:] if cell.startswith(QUOTE) and cell.lstrip(QUOTE).startswith(DANGEROUS) else cell
