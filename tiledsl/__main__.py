"""``python -m tiledsl``: the command ``tiledsl``."""

from tiledsl.cli import main

if __name__ == "__main__":
    main()
