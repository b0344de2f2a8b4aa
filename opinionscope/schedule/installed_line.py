"""The line of a job in the user's crontab, taken apart without ever being run."""

import re
import shlex
from dataclasses import dataclass

from opinionscope.job_table import MARKETS

_FIELDS = 5
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SCRIPT = re.compile(r"/(?:.*/)?opinionscope", re.DOTALL)
_PYTHON = re.compile(r"/(?:.*/)?python[\d.]*", re.DOTALL)
_PYTHON_FLAG = re.compile(r"-[BEIPsSu]+")
_AS_MODULE = re.compile(r"^\s*[^#\s].*\s-m\s+opinionscope\b", re.MULTILINE)
_SAFE_FLAG = re.compile(r"\s-\w*[IP]\w*\s(?:.*\s)?-m\s+opinionscope\b")


@dataclass(frozen=True)
class InstalledLine:
    """The line of one job.

    `command` are the words that start opinionscope, `variables` what is set right before them, `database` what `--db`
    names, `foreign` whatever else stands before them: words of the user's own.
    """

    command: list[str]
    variables: dict[str, str]
    database: str | None
    foreign: str


def find_installed_line(block: str) -> InstalledLine | None:
    """The line of `sync markets` in our block; None if it does not start opinionscope in a way that we write."""
    job = MARKETS.command.split()
    for line in block.splitlines():
        words = _words_of(line)
        for end in range(1, len(words)):
            if words[end : end + len(job)] == job:
                return _take_apart(words[:end], words[end + len(job) :])
    return None


def runs_python_unsafely(crontab: str) -> bool:
    """Whether a line has Python find opinionscope as a module, and so, in HOME, import whatever lies there first."""
    return any(not _SAFE_FLAG.search(match[0]) for match in _AS_MODULE.finditer(crontab))


def _words_of(line: str) -> list[str]:
    """The words of the command, as the shell would split it; none for a comment or a line that is not closed."""
    fields = line.split(maxsplit=_FIELDS)
    if len(fields) <= _FIELDS or line.lstrip().startswith("#"):
        return []
    try:
        return shlex.split(fields[_FIELDS].replace(r"\%", "%"))
    except ValueError:
        return []


def _take_apart(before: list[str], after: list[str]) -> InstalledLine | None:
    start = len(before) - 1
    if before[-2:] == ["-m", "opinionscope"] and len(before) > 2:
        start -= 2
        while start > 0 and _PYTHON_FLAG.fullmatch(before[start]):
            start -= 1
        program = _PYTHON
    else:
        program = _SCRIPT
    if not program.fullmatch(before[start]):
        return None
    assignments = [_ASSIGNMENT.fullmatch(word) for word in before[:start]]
    foreign = [word for word, match in zip(before[:start], assignments, strict=True) if not match]
    named = after[after.index("--db") + 1 :] if "--db" in after else []
    return InstalledLine(
        command=before[start:],
        variables={match[1]: match[2] for match in assignments if match},
        database=named[0] if named else None,
        foreign=" ".join(foreign),
    )
