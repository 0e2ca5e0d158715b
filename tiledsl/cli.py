"""The command ``tiledsl``.  Exit codes: 0 all well, 1 something failed, 2 wrong usage."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; needs the packages of the extra ``cli``."""
    try:
        # not at the top: the core works without these packages
        from tiledsl.commands.group import run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("click", "rich"):
            raise
        code = "E4004"
        print(
            f"{code} the command line needs the package '{package}'; "
            "install it with: pip install 'tiledsl[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
