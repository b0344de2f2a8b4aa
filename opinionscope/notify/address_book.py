"""The targets by name: the alert URLs, and the variables OPINIONSCOPE_TARGET_<NAME>.

Names are for the database, logs and output; addresses hold secrets, and never leave this object but to be used.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from opinionscope.notify.targets import split_urls

ALERT_URLS = "OPINIONSCOPE_ALERT_URLS"
TARGET_PREFIX = "OPINIONSCOPE_TARGET_"
DEFAULT_TARGET = "alerts"
"""The name of the target that OPINIONSCOPE_ALERT_URLS is."""
PROGRAM = "exec:"
"""What the address of a program begins with."""


@dataclass(frozen=True)
class AddressBook:
    """Addresses by key. A target is one key, but for several alert URLs, which are one each: `alerts`, `alerts/2`, …

    So each of them is told by itself, whatever becomes of the others.
    """

    _addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AddressBook":
        """The targets that the environment, env file included, has."""
        addresses = dict[str, str]()
        for number, url in enumerate(split_urls(environment.get(ALERT_URLS, "")), 1):
            addresses[DEFAULT_TARGET if number == 1 else f"{DEFAULT_TARGET}/{number}"] = url
        for variable, address in sorted(environment.items()):
            name = target_name(variable.removeprefix(TARGET_PREFIX))
            if variable.startswith(TARGET_PREFIX) and name and name != DEFAULT_TARGET and address.strip():
                addresses[name] = address.strip()
        return cls(addresses)

    @property
    def names(self) -> list[str]:
        """The names of the targets."""
        return list(dict.fromkeys(key.partition("/")[0] for key in self._addresses))

    def keys_of(self, names: Iterable[str]) -> list[str]:
        """The keys of the targets of these names; a name that has no address stands for itself."""
        keys = dict[str, None]()
        for name in names or (DEFAULT_TARGET,):
            keys |= dict.fromkeys([key for key in self._addresses if key.partition("/")[0] == name] or [name])
        return list(keys)

    def address(self, key: str) -> str | None:
        """The address of a key, which holds secrets; None if there is none."""
        return self._addresses.get(key)

    def secrets(self) -> list[str]:
        """All addresses, to be kept out of what is written."""
        return list(self._addresses.values())


def target_name(text: str) -> str:
    """The name of a target in its one spelling, which is that of its variable in lower case; empty if it has none."""
    name = text.strip().lower().replace("-", "_")
    return name if re.fullmatch(r"[a-z0-9_]{1,40}", name) else ""


def variable_of(name: str) -> str:
    """The variable that holds the address of a target."""
    base = name.partition("/")[0]
    return ALERT_URLS if base == DEFAULT_TARGET else f"{TARGET_PREFIX}{base.upper()}"


def program_of(address: str) -> str | None:
    """The path of the program that an address names; None for an Apprise URL."""
    return address.removeprefix(PROGRAM).strip() if address.startswith(PROGRAM) else None


def is_valid_program(path: str) -> bool:
    """Whether it is a path that can be run from anywhere."""
    return PurePosixPath(path).is_absolute() and "\0" not in path
