"""Where the database and the env file are. Imports little, because even a skipped run needs it."""

import os
from io import StringIO
from pathlib import Path

from opinionscope.errors import ConfigurationError
from opinionscope.text import well_formed

API_KEY_VARIABLE = "OPINION_TRADE_API_KEY"
DATABASE_VARIABLE = "OPINIONSCOPE_DB"
ENV_FILE_VARIABLE = "OPINIONSCOPE_ENV_FILE"


def env_file() -> Path:
    """The file that cron jobs read their settings from; absolute, because cron starts a job in HOME."""
    named = os.environ.get(ENV_FILE_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_config_path

    return user_config_path("opinionscope", appauthor=False) / "env"


def database_path(option: Path | None = None) -> Path:
    """The SQLite file: `--db`, else OPINIONSCOPE_DB, else one in the user's data folder. Absolute.

    Raises ConfigurationError if the env file would have to tell, and cannot be read.
    """
    named = option or os.environ.get(DATABASE_VARIABLE, "").strip()
    named = named or read_environment().get(DATABASE_VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else _default_database()


def database_of_a_run(option: Path | None = None) -> Path:
    """The same, for a sync job, which reports a bad env file itself: the row of its failed run must go somewhere.

    If the env file cannot be read, it is the database in the user's data folder, if there is one.
    """
    try:
        return database_path(option)
    except ConfigurationError:
        default = _default_database()
        if os.path.exists(default):
            return default
        raise


def _default_database() -> Path:
    from platformdirs import user_data_path

    return user_data_path("opinionscope", appauthor=False) / "opinionscope.db"


def read_environment() -> dict[str, str]:
    """The env file's variables, overridden by the process's own.

    Raises ConfigurationError if the file cannot be read, has a line other than `NAME=value`, or is named by
    OPINIONSCOPE_ENV_FILE and does not exist.
    """
    return _read_env_file(env_file()) | {name: well_formed(text) for name, text in os.environ.items()}


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if os.environ.get(ENV_FILE_VARIABLE, "").strip():
            raise ConfigurationError(f"{path}, named by {ENV_FILE_VARIABLE}, does not exist.") from None
        return {}
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError(f"{path} cannot be read ({reason}): correct the file or its permissions.") from None
    return _parse_env_text(text, path)


def _parse_env_text(text: str, path: Path) -> dict[str, str]:
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
