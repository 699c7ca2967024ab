"""An audit as a page for a terminal, JSON, FOCUS CSV, Markdown or HTML; only read."""
