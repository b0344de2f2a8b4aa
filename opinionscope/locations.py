"""Where the database and the env file are. Light on imports: every run needs it, even one that is skipped."""

import os
from pathlib import Path

from opinionscope.errors import ConfigurationError

API_KEY_VARIABLE = "OPINION_TRADE_API_KEY"
DATABASE_VARIABLE = "OPINIONSCOPE_DB"
ENV_FILE_VARIABLE = "OPINIONSCOPE_ENV_FILE"


def env_file() -> Path:
    """The file that cron jobs read their settings from; absolute, since cron starts a job in HOME."""
    named = os.environ.get(ENV_FILE_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_config_path

    return user_config_path("opinionscope", appauthor=False) / "env"


def database_path(option: Path | None = None) -> Path:
    """The SQLite file: `--db`, else OPINIONSCOPE_DB, else one in the user's data folder. Absolute.

    Raises ConfigurationError if only an env file that cannot be read could tell which.
    """
    named = option or os.environ.get(DATABASE_VARIABLE, "").strip()
    named = named or read_environment().get(DATABASE_VARIABLE, "").strip()
    return Path(named).expanduser().absolute() if named else _usual_database()


def database_path_for_a_log_row(option: Path | None = None) -> Path:
    """The same, for a run that is about to fail over an env file that cannot be read: its row has to be somewhere.

    Where the user's data folder has a database, it goes there. Only for runs that load the settings themselves.
    """
    try:
        return database_path(option)
    except ConfigurationError:
        usual = _usual_database()
        if os.path.exists(usual):
            return usual
        raise


def _usual_database() -> Path:
    from platformdirs import user_data_path

    return user_data_path("opinionscope", appauthor=False) / "opinionscope.db"


def read_environment() -> dict[str, str]:
    """The env file's variables, overridden by the process's own.

    Raises ConfigurationError if the file cannot be read or is not a list of `NAME=value` lines, and if
    OPINIONSCOPE_ENV_FILE names one that is not there.
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
    from io import StringIO

    from dotenv.parser import parse_stream

    variables: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise ConfigurationError(f"{path}, line {binding.original.line}: write NAME=value.")
        if binding.key is not None:
            variables[binding.key] = binding.value or ""
    return variables
