"""``python -m netlens`` is the ``netlens`` command."""

import sys

from netlens.cli import main

sys.exit(main())
