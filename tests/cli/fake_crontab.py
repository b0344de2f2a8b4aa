"""A `crontab` command that keeps its lines in a file of the test, so that no real crontab is ever touched."""

from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """#!/bin/sh
case "$1" in
-l)
    [ -e "{folder}/unreadable" ] && { echo "crontab: you are not allowed to use this program" >&2; exit 1; }
    [ -e "{folder}/lines" ] && exec cat "{folder}/lines"
    echo "no crontab for nobody" >&2
    exit 1 ;;
-r) echo removed >> "{folder}/writes"; rm "{folder}/lines" ;;
-) echo written >> "{folder}/writes"; cat > "{folder}/lines" ;;
*) exit 2 ;;
esac
"""


@dataclass(frozen=True)
class FakeCrontab:
    """The command in `folder`, to be put before all else on PATH."""

    folder: Path

    @property
    def path(self) -> str:
        """A PATH that leads to it."""
        return f"{self.folder}:/usr/bin:/bin"

    @property
    def lines(self) -> bytes | None:
        """What the crontab holds; None if there is none."""
        file = self.folder / "lines"
        return file.read_bytes() if file.exists() else None

    @property
    def writes(self) -> int:
        """How often it was written."""
        file = self.folder / "writes"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def hold(self, lines: bytes) -> None:
        """Make these its lines."""
        (self.folder / "lines").write_bytes(lines)

    def become_unreadable(self) -> None:
        """Refuse to show the lines."""
        (self.folder / "unreadable").touch()


def make_crontab(folder: Path) -> FakeCrontab:
    """A user without a crontab."""
    folder.mkdir()
    script = folder / "crontab"
    script.write_text(_SCRIPT.replace("{folder}", str(folder)))
    script.chmod(0o755)
    return FakeCrontab(folder)
