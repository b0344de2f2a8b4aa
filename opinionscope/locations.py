"""Where the database and the env file are. Imports little, because even a skipped run needs it."""

import os
from io import StringIO
from pathlib import Path

from opinionscope.errors import ConfigurationError

API_KEY_VARIABLE = "OPINION_TRADE_API_KEY"
DATABASE_VARIABLE = "OPINIONSCOPE_DB"
ENV_FILE_VARIABLE = "OPINIONSCOPE_ENV_FILE"
# For a user who has neither HOME nor an entry in the list of users, such as a number given to a container.
_ENV_FILE_WITHOUT_HOME = Path("/etc/opinionscope/env")


def env_file() -> Path:
    """The file that cron jobs read their settings from; absolute, because cron starts a job in HOME."""
    named = os.environ.get(ENV_FILE_VARIABLE, "").strip()
    if named:
        return _absolute(named)
    from platformdirs import user_config_path

    try:
        return user_config_path("opinionscope", appauthor=False) / "env"
    except RuntimeError:
        return _ENV_FILE_WITHOUT_HOME


def database_path(option: Path | None = None) -> Path:
    """The SQLite file: `--db`, else OPINIONSCOPE_DB, else one in the user's data folder. Absolute.

    Raises ConfigurationError if the env file would have to tell, and cannot be read.
    """
    named = option or os.environ.get(DATABASE_VARIABLE, "").strip()
    named = named or read_environment().get(DATABASE_VARIABLE, "").strip()
    return _absolute(named) if named else _default_database()


def database_of_a_run(option: Path | None = None) -> Path:
    """The same, for a sync job, which reports a bad env file itself: the row of its failed run must go somewhere.

    If the env file cannot be read, it is the database in the user's data folder, if there is one.
    """
    try:
        return database_path(option)
    except ConfigurationError:
        default = existing_default_database()
        if default is None:
            raise
        return default


def _absolute(named: Path | str) -> Path:
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError:
        raise ConfigurationError(f"{named} names a home folder that does not exist: write the path in full.") from None
    except FileNotFoundError:
        raise ConfigurationError(
            f"{named} is a relative path, but the current folder no longer exists: write the path in full."
        ) from None


def existing_default_database() -> Path | None:
    """The database in the user's data folder, if it exists."""
    try:
        default = _default_database()
    except ConfigurationError:
        return None
    return default if os.path.exists(default) else None


def _default_database() -> Path:
    from platformdirs import user_data_path

    try:
        return user_data_path("opinionscope", appauthor=False) / "opinionscope.db"
    except RuntimeError:
        raise ConfigurationError(
            f"HOME is not set, so there is no data folder: set {DATABASE_VARIABLE} or use --db."
        ) from None


def read_environment() -> dict[str, str]:
    """The env file's variables, overridden by the process's own.

    Raises ConfigurationError if the file cannot be read, has a line other than `NAME=value`, or is named by
    OPINIONSCOPE_ENV_FILE and does not exist.
    """
    return _read_env_file(env_file()) | dict(os.environ)


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
