"""The settings, for commands that also work with the defaults."""

from typing import TYPE_CHECKING

from opinionscope.errors import ConfigurationError

if TYPE_CHECKING:
    from opinionscope.settings import Settings


def valid_settings() -> "tuple[Settings, str | None]":
    """The settings and None, or the defaults and what is wrong with the settings. They load only here."""
    from opinionscope.settings import Settings

    try:
        return Settings.load(), None
    except ConfigurationError as error:
        return Settings.model_validate({}), str(error)
