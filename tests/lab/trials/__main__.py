"""`python -m tests.lab.trials [--record] [NAME…]`: tries what the components promise on the lab's
real controllers, many trials side by side, and what fails once more by itself.

Exit 0: all came as promised; 1: some did not; 2: bad usage.
"""

from __future__ import annotations

import argparse
import sys

from tests.lab.harness.lab import LabFailed
from tests.lab.trials.run import PROMISED, TRIALS, record, run


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.trials", description=__doc__)
    parser.add_argument("names", nargs="*", help="trials, or how they start; without one, all")
    parser.add_argument("--record", action="store_true", help="keep the results for the docs")
    parser.add_argument("--side-by-side", type=int, default=12, metavar="N")
    arguments = parser.parse_args()
    chosen = [
        name
        for name in TRIALS
        if not arguments.names or any(name.startswith(start) for start in arguments.names)
    ]
    if not chosen:
        parser.error(f"no trial is called so; there are: {', '.join(TRIALS)}")
    try:
        results = run(chosen, arguments.side_by_side)
    except LabFailed as error:
        sys.stderr.write(f"The lab broke: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing is left running.\n")
        return 1
    if arguments.record:
        record(results)
    failed = [result["name"] for result in results if result["outcome"] != PROMISED]
    sys.stderr.write(f"{len(results)} trials, {len(failed)} failed: {', '.join(failed) or '-'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
