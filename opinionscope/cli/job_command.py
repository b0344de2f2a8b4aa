"""The short way to a command, for the runs that cron starts.

Typer has pydantic coerce every parameter, even one that was not given, which costs a run that is skipped or not due a
third of its time. So groups above a command, which have nothing to parse, are skipped; and when a job is given only
flags, as in a crontab line without a database, there is nothing to coerce.
"""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


def find_command(command: Any, words: Sequence[str]) -> tuple[Any, Sequence[str]]:
    """The command or group that the first words name below `command`, and the words that are left for it."""
    while isinstance(command, TyperGroup) and words:
        below = command.get_command(None, words[0])  # type: ignore[arg-type] # our groups don't look at the context
        if below is None:
            break
        command, words = below, words[1:]
    return command, words


class JobCommand(TyperCommand):
    """The command of a job: it has only options, none of them required and none with a callback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take flags as they are, and leave anything else to Typer."""
        options = [option for option in self.params if isinstance(option, TyperOption)]
        flags = {name: option.name for option in options if option.is_flag for name in option.opts}
        if not flags.keys() >= set(args):
            return super().parse_args(ctx, args)
        given = {flags[word] for word in args}
        ctx.params = {str(option.name): option.name in given or option.default for option in options}
        return []
