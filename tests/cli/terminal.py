"""A terminal of a given width, for commands that look at what they print on."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from tests.conftest import COMMAND, CommandLine

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run_on_terminal(command: CommandLine, *words: str, width: int, **settings: str) -> str:
    """What the command writes to a terminal, escape sequences and all, with its line ends made plain."""
    inside, outside = pty.openpty()
    fcntl.ioctl(outside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = command.environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | settings
    process = subprocess.Popen([*COMMAND, *words], env=environment, stdin=outside, stdout=outside, stderr=outside)
    os.close(outside)
    output = b""
    while chunk := _read(inside):
        output += chunk
    os.close(inside)
    assert process.wait(timeout=60) == 0, output
    return output.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the last one to write has closed it
        return b""
