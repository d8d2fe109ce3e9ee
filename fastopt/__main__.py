"""`python -m fastopt` and the `fastopt` script: the command line, or one line on what it needs."""
import sys

from fastopt._common.extras import needs


def main() -> None:
    """Run the command; exit code 1 and a hint where the extra `cli` is not installed."""
    try:
        with needs("cli", "the command"):
            import rich  # noqa: F401
            import typer  # noqa: F401

            from fastopt._cli import main as run
    except ImportError as error:
        print(f"fastopt: {error}", file=sys.stderr)
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
