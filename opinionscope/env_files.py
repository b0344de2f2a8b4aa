"""The env file: a regular file with a line NAME=value for each setting, read once in a process."""

import os
import stat
from collections.abc import Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from types import MappingProxyType

from opinionscope.errors import ConfigurationError

_BYTE_ORDER_MARK = "\ufeff"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@cache
def read_env_file(path: Path) -> Mapping[str, str]:
    """The variables by name, as they are in the file. `/dev/null` has none.

    Read once in a process, so that all of a run goes by the same settings. Raises FileNotFoundError if the file does
    not exist, and ConfigurationError if it cannot be read, is not a regular file, or has a line other than NAME=value.
    """
    try:
        content = _read_regular_file(path)
        text = "" if content is None else content.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError(f"{path} cannot be read ({reason}): correct the file or its permissions.") from None
    # Wherever files were joined there may be one, and python-dotenv would take it for a part of a name.
    return _parse(text.replace(_BYTE_ORDER_MARK, ""), path) if text else _NOTHING


def is_null_device(path: Path) -> bool:
    """Whether it is `/dev/null`, which as an env file means that there are no settings in a file."""
    try:
        return os.path.samefile(path, os.devnull)
    except OSError:
        return False


def _read_regular_file(path: Path) -> bytes | None:
    """The content; None for /dev/null. A pipe is refused: it gives its content only once, or never."""
    # Without O_NONBLOCK, a FIFO that nobody writes to would hang the job.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return file.read()
    if is_null_device(path):
        return None
    raise ConfigurationError(f"{path} is not a regular file; expected a file with a line NAME=value for each setting.")


def _parse(text: str, path: Path) -> Mapping[str, str]:
    from dotenv.parser import parse_stream

    variables: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise ConfigurationError(
                f"{path}, line {binding.original.line} is not a valid setting; expected NAME=value."
            )
        if binding.key is not None:
            variables[binding.key] = binding.value or ""
    return variables
