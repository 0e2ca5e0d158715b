"""``python -m tiledsl.compat PROGRAM.py``: runs a program that imports tilelang."""

import sys

from tiledsl.compat.programs import main

sys.exit(main(sys.argv[1:]))
