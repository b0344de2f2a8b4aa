"""Where the database and the env file are. Imports little, because even a skipped run needs it."""

import os
import re
from pathlib import Path

from opinionscope.env_files import read_env_file
from opinionscope.errors import ConfigurationError, OpinionscopeError, UsageError

API_KEY_VARIABLE = "OPINION_TRADE_API_KEY"
DATABASE_VARIABLE = "OPINIONSCOPE_DB"
ENV_FILE_VARIABLE = "OPINIONSCOPE_ENV_FILE"
# For a user who has neither HOME nor an entry in the list of users, such as a number given to a container.
_ENV_FILE_WITHOUT_HOME = Path("/etc/opinionscope/env")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


def env_file() -> Path:
    """The file that cron jobs read their settings from; absolute, because cron starts a job in HOME.

    Raises ConfigurationError if OPINIONSCOPE_ENV_FILE names a home folder that does not exist.
    """
    named = os.environ.get(ENV_FILE_VARIABLE, "").strip()
    if named:
        return _absolute(named, ENV_FILE_VARIABLE, ConfigurationError)
    from platformdirs import user_config_path

    try:
        return user_config_path("opinionscope", appauthor=False) / "env"
    except RuntimeError:
        return _ENV_FILE_WITHOUT_HOME


def database_path(option: Path | None = None) -> Path:
    """The SQLite file: `--db`, else OPINIONSCOPE_DB, else one in the user's data folder. Absolute.

    Raises UsageError if `--db` cannot be a file, and ConfigurationError if the env file would have to tell, and cannot
    be read.
    """
    if option is not None:
        path = _absolute(str(option), "--db", UsageError)
        if path.is_dir():
            raise UsageError(f"--db {option} is a folder; expected a file, such as {path / 'opinionscope.db'}.")
        return path
    named = os.environ.get(DATABASE_VARIABLE, "").strip() or read_environment().get(DATABASE_VARIABLE, "").strip()
    return _absolute(named, DATABASE_VARIABLE, ConfigurationError) if named else default_database()


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


def existing_default_database() -> Path | None:
    """The database in the user's data folder, if it exists."""
    try:
        default = default_database()
    except ConfigurationError:
        return None
    return default if os.path.exists(default) else None


def default_database() -> Path:
    """The database in the user's data folder. Raises ConfigurationError if the user has no home folder."""
    from platformdirs import user_data_path

    try:
        path = user_data_path("opinionscope", appauthor=False) / "opinionscope.db"
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise ConfigurationError(f"HOME is not set, so there is no data folder; set {DATABASE_VARIABLE} or use --db.")
    return path


def read_environment() -> dict[str, str]:
    """The env file's variables, overridden by the process's own. A blank variable of the process counts as unset.

    Raises ConfigurationError if the file cannot be read, is not valid, names a database by a relative path, or is named
    by OPINIONSCOPE_ENV_FILE and does not exist.
    """
    return settings_in_file() | {name: text for name, text in os.environ.items() if text.strip()}


def refused_setting(problem: str) -> ConfigurationError:
    """What is wrong with the settings, and where to correct it."""
    return ConfigurationError(f"{problem}. Correct it in the environment or in {env_file()}.")


def settings_in_file() -> dict[str, str]:
    """The variables of the env file, with the path of the database expanded. Raises as `read_environment` does."""
    path = env_file()
    try:
        variables = dict(read_env_file(path))
    except FileNotFoundError:
        if os.environ.get(ENV_FILE_VARIABLE, "").strip():
            raise ConfigurationError(f"{path}, named by {ENV_FILE_VARIABLE}, does not exist.") from None
        return {}
    named = variables.get(DATABASE_VARIABLE, "").strip()
    if named:
        variables[DATABASE_VARIABLE] = str(_path_in_file(named, f"{DATABASE_VARIABLE} in {path}"))
    return variables


def _path_in_file(text: str, where: str) -> Path:
    """A path of the env file, which no shell has expanded."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = os.environ.get(name, "")
        if not found:
            raise ConfigurationError(f"{where} contains ${name}, which is not set; write the path in full.")
        return found

    path = _home_expanded(_VARIABLE.sub(value, text), where, ConfigurationError)
    if not path.is_absolute():
        raise ConfigurationError(
            f"{where} is a relative path ({text}); expected an absolute one, because cron jobs start in another folder."
        )
    return path


def _absolute(text: str, where: str, refusal: type[OpinionscopeError]) -> Path:
    path = _home_expanded(text, where, refusal)
    try:
        return path.absolute()
    except FileNotFoundError:
        raise refusal(
            f"{where} is a relative path ({text}), but the current folder no longer exists; expected an absolute path."
        ) from None


def _home_expanded(text: str, where: str, refusal: type[OpinionscopeError]) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise refusal(f"{where} names a home folder that does not exist ({text}); write the path in full.") from None
