"""The folder that `pulumi preview --policy-pack policies` runs; all code is in zerofloor.engine."""

from zerofloor.engine.analyzer import main

main()
