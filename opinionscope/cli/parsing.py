"""From words to a command and its parameters, for the runs that cron starts: without a library that nothing calls for.

Typer has pydantic coerce each parameter, even one that nobody gave. That costs a run that is skipped, or not due, a
third of its time. So the groups above a command, which have nothing to parse, are passed by; and where a job is given
flags alone, as in a crontab that need not name the database, there is nothing to coerce.
"""

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


def find_command(command: Any, words: Sequence[str]) -> tuple[Any, Sequence[str]]:
    """The command or group that the first words name below `command`, and the words that are left for it."""
    while isinstance(command, TyperGroup) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


class JobCommand(TyperCommand):
    """A command of a job: it has options alone, none of them required and none with a callback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take flags as they are, and leave the parsing of anything else to Typer."""
        options = [option for option in self.params if isinstance(option, TyperOption)]
        flags = {name: option.name for option in options if option.is_flag for name in option.opts}
        if not flags.keys() >= set(args):
            return super().parse_args(ctx, args)
        given = {flags[word] for word in args}
        ctx.params = {str(option.name): option.name in given or option.default for option in options}
        return []
