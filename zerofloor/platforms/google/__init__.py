"""Google Cloud; one file a service."""
