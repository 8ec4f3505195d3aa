"""What the processes hold of their own: files that are mapped left out, as SQLite maps its database."""

from pathlib import Path

from tests.soak.stage import Stage


def megabytes(stage: Stage) -> dict[int, float]:
    """Return the anonymous memory of every process that serves, by its process id."""
    return {pid: _anonymous(pid) for instance in stage.instances for pid in instance.workers}


def _anonymous(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0
