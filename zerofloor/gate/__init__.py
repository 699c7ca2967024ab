"""The gate: what an organisation allows, which findings a waiver permits or a baseline knows, and
whether what is left lets the stack pass."""

from zerofloor.gate.waivers import concerns, matches, refusal, verdict, waived

__all__ = ["concerns", "matches", "refusal", "verdict", "waived"]
