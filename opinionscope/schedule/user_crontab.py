"""The user's crontab. Only the block between our markers changes; everything else stays byte for byte."""

import os
import re
import subprocess
from dataclasses import dataclass

from opinionscope.errors import ConfigurationError, OpinionscopeError
from opinionscope.schedule.cron_lines import BEGIN, END

_SECONDS = 30
# The messages of Debian's cron, cronie and busybox's crond for a user without a crontab.
_NONE_YET = re.compile(rb"no crontab for|can't open '[^']*': No such file", re.IGNORECASE)


@dataclass(frozen=True)
class Crontab:
    """A crontab as the parts before, in and after our block; `block` is None where there is none."""

    before: bytes
    block: bytes | None
    after: bytes

    @property
    def content(self) -> bytes:
        """The whole crontab."""
        return self.before + (self.block or b"") + self.after

    def with_block(self, block: str) -> "Crontab":
        """With our block in its place, or at the end."""
        before = self.before
        if self.block is None and before and not before.endswith(b"\n"):
            before += b"\n"
        return Crontab(before, block.encode(), self.after)

    def without_block(self) -> "Crontab":
        """Without our block."""
        return Crontab(self.before, None, self.after)


def read_crontab() -> Crontab:
    """The crontab of this user. Raises OpinionscopeError if it cannot be read, and so must not be written."""
    answer = _run("-l")
    if answer.returncode == 0:
        return parse_crontab(answer.stdout)
    if _NONE_YET.search(answer.stderr) and not answer.stdout:
        return Crontab(b"", None, b"")
    raise OpinionscopeError(f"The crontab cannot be read: {_said(answer)}. Nothing was changed.")


def write_crontab(crontab: Crontab) -> None:
    """Make it the crontab of this user; an empty one is removed. Raises OpinionscopeError if cron refuses it."""
    answer = _run("-", crontab.content) if crontab.content else _run("-r")
    if answer.returncode != 0:
        raise OpinionscopeError(f"The crontab could not be written: {_said(answer)}.")


def parse_crontab(content: bytes) -> Crontab:
    """Find our block. Raises ConfigurationError unless its markers are a pair."""
    lines = content.splitlines(keepends=True)
    begins = [number for number, line in enumerate(lines) if line.rstrip() == BEGIN.encode()]
    ends = [number for number, line in enumerate(lines) if line.rstrip() == END.encode()]
    if not begins and not ends:
        return Crontab(content, None, b"")
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise ConfigurationError(
            f"The crontab must have exactly one line {BEGIN!r} and one {END!r} after it; correct it with `crontab -e`."
        )
    first, last = begins[0], ends[0] + 1
    return Crontab(b"".join(lines[:first]), b"".join(lines[first:last]), b"".join(lines[last:]))


def _run(argument: str, content: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(  # noqa: S603
            ["crontab", argument],  # noqa: S607 - wherever this system has it
            input=content,
            stdin=subprocess.DEVNULL if content is None else None,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigurationError(
            "The `crontab` command was not found; install cron, or let another scheduler run the lines of "
            "`opinionscope crontab show`."
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OpinionscopeError(f"The `crontab` command failed: {error}.") from error


def _said(answer: "subprocess.CompletedProcess[bytes]") -> str:
    words = answer.stderr.decode(errors="replace").strip()
    return words[:300] or f"`crontab` exited with status {answer.returncode}"
