"""What an act would change, in numbers and names: the shape of every impact, on pages, in commands and audit rows."""

from dataclasses import dataclass

# So many names stand behind a number.
EXAMPLES = 5


@dataclass(frozen=True)
class Line:
    """One number with what it means, and the first few names behind it.

    Attributes:
        tone: of what it means for those concerned: "neutral", "success", "warning" or "danger".
        key: what the number is called where machines read it, or "".
    """

    count: int
    text: str
    tone: str = "neutral"
    examples: tuple[str, ...] = ()
    key: str = ""

    @property
    def more(self) -> int:
        """How many names are not among the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Impact:
    """What an act would change now."""

    lines: tuple[Line, ...]

    def numbers(self) -> dict[str, int]:
        """Return the counts of the lines that have a key."""
        return {line.key: line.count for line in self.lines if line.key}
