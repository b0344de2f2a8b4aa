"""Where this program is installed, what starts it, and whether it will stay there."""

import os
import sys
import tempfile
from pathlib import Path

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - nothing is written there

INSTALL_PERMANENTLY = "install it permanently, for example with `pipx install` or `uv tool install`"


def installed_command() -> list[str]:
    """The words that start this installation: its script, or its Python if there is no script next to it.

    -P: cron starts a job in HOME, and no file there, such as a `requests.py`, may be imported instead of the real one.
    """
    python = Path(sys.executable).absolute()
    script = python.with_name("opinionscope")
    return [str(script)] if os.access(script, os.X_OK) else [str(python), "-P", "-m", "opinionscope"]


def passing_place(program: Path) -> str | None:
    """Why the program may be gone tomorrow, as after `uvx` or `pipx run`; None if it is there to stay."""
    if any(_is_cache(folder) for folder in program.parents):
        return f"{program} is in a cache, which may be pruned at any time"
    for temporary in (*_TEMPORARY, tempfile.gettempdir()):
        if program.is_relative_to(temporary):
            return f"{program} is in {temporary}, where nothing stays for long"
    return None


def _is_cache(folder: Path) -> bool:
    if folder.name in (".cache", "Caches") or folder == _cache_folder():
        return True
    # uv marks its cache, wherever it is, and with the same file every environment that it makes, to keep that out of
    # backups. See https://bford.info/cachedir/.
    return (folder / "CACHEDIR.TAG").exists() and not (folder / "pyvenv.cfg").exists()


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
