"""`python -m fastopt` and the `fastopt` script: the command line, or one line on what it needs."""
import sys


def main():
    """Run the command; exit code 1 and a hint where the extra `cli` is not installed."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as error:
        print(f'fastopt: the command needs {error.name}: pip install "fastopt[cli]"', file=sys.stderr)
        sys.exit(1)
    from ._cli import main as run

    run()


if __name__ == "__main__":
    main()
