"""A Dask cluster of two worker processes on this machine: prints its address and the workers'
process ids as JSON, and ends when its stdin does."""

from __future__ import annotations

import json
import os
import sys

from distributed import Client, LocalCluster


def main() -> None:
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        pids = sorted(client.run(os.getpid).values())
        sys.stdout.write(json.dumps({"address": cluster.scheduler_address, "pids": pids}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
