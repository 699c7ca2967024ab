"""Amazon Web Services; one file a service."""
