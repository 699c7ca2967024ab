"""Terraform and OpenTofu: a plan or a state as JSON -> `Stack`."""
