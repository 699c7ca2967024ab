"""Microsoft Azure; one file a service."""
