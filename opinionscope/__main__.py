"""Entry point of the `opinionscope` command and of `python -m opinionscope`."""


def main() -> None:
    """Run the command line."""
    from opinionscope.cli.app import app

    app()


if __name__ == "__main__":
    main()
