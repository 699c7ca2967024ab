"""zerofloor: a stack that would leave a GPU billing while nobody uses it does not get past `pulumi
preview`."""

__version__ = "0.1.0"
