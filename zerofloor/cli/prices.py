"""`zerofloor prices …`: the price book."""

from __future__ import annotations

from zerofloor.cli.app import new_app

app = new_app()
