"""A process of root's that becomes one of another user, as `setpriv` in tests/users.py has it."""

import ctypes
import os

_VERSION_3 = 0x20080522  # of the structures below, see capset(2)
_KEEP_CAPABILITIES, _AMBIENT, _RAISE = 8, 47, 2  # of prctl(2)
_DAC_READ_SEARCH = 2  # of capabilities(7)


def become_user(user: int, group: int) -> None:
    """Give up root's rights for those of a user, but may still read anything, and so may what is started from here."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0))
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    bits = 1 << _DAC_READ_SEARCH
    _check(libc.capset(header, (ctypes.c_uint32 * 6)(bits, bits, bits)))
    _check(libc.prctl(_AMBIENT, _RAISE, _DAC_READ_SEARCH, 0, 0))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
