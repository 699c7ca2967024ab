"""Applies the change of a finding where a person wrote the value: manifests, programs, stack
configuration."""
