"""``python -m netlens`` is the ``netlens`` command."""

import signal
import sys

# While the command is imported, ctrl-C ends it without the traceback of an import; `main` then catches it.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from netlens.cli import main

sys.exit(main())
