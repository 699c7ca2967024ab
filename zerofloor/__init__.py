"""zerofloor: a stack that would leave a GPU billing while it isn't used does not get past `pulumi
preview`."""

__version__ = "0.1.0"
