"""``python -m henderson``: the same as the `henderson` command."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
