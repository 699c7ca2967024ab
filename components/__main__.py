"""Serves zerofloor's components to Pulumi programs in any language."""

from zerofloor.components.host import serve

serve()
