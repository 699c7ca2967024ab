"""Fireworks on-demand deployments: the API, and the Pulumi provider that manages them."""
