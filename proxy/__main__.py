"""`python -m proxy` is the command `tailorbird`."""

from proxy.cli import tailorbird


def main() -> None:
    """Runs the command line."""
    tailorbird()


if __name__ == "__main__":
    main()
