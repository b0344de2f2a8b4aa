"""An installation of its own, without the script that pip writes: a Python that finds opinionscope as a module."""

import subprocess
import sys
import sysconfig
from pathlib import Path


def make_installation(folder: Path) -> Path:
    """The Python of a virtual environment in `folder` that shares the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    shared = sysconfig.get_path("purelib")
    (packages / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
    return folder / "bin" / "python"
