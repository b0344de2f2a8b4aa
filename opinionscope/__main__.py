"""Entry point of the `opinionscope` command and of `python -m opinionscope`."""

import gc
import os

_ALLOCATIONS_BEFORE_A_COLLECTION = 20_000


def main() -> None:
    """Run the command line."""
    # A run is short, and collections among the packages that it has just loaded find nothing.
    gc.set_threshold(_ALLOCATIONS_BEFORE_A_COLLECTION)
    # No plugin of pydantic that is installed by chance has a business with settings and answers, nor need one be
    # looked for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
    from opinionscope.cli.app import app

    app()


if __name__ == "__main__":
    main()
