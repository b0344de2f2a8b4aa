"""Entry point of the `opinionscope` command and of `python -m opinionscope`."""

import atexit
import gc
import os

from opinionscope.streams import forget_empty_size, open_closed_streams

_ALLOCATIONS_BEFORE_A_COLLECTION = 20_000


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    forget_empty_size()
    # A run is short, and garbage collection among the packages it has just loaded finds nothing.
    gc.set_threshold(_ALLOCATIONS_BEFORE_A_COLLECTION)
    # At exit, Python looks for garbage once more among all that was loaded, although the process frees it anyway.
    atexit.register(gc.freeze)
    # Settings and answers need no pydantic plugins, and looking for installed ones takes time at every start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    from opinionscope.cli.app import app

    app()


if __name__ == "__main__":
    main()
