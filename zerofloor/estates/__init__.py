"""Whole estates: every stack of a state backend judged from its state, and what to merge so that
from then on only new waste is blocked."""
