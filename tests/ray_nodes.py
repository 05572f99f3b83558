"""Nodes of a Ray cluster on this machine: three, of which two are lost and replaced when asked.

`python ray_nodes.py FOLDER` prints the address, obeys the lines `lose` and `add`, and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FEW = 80 * 2**20
"""Bytes of each object store: the least that Ray takes."""


def main(folder: str) -> None:
    """Begins the nodes and waits for orders."""
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0", RAY_USAGE_STATS_REPORT_URL="http://127.0.0.1:9", RAY_TMPDIR=folder,
    )  # fmt: skip
    Path(folder, "ray").mkdir()
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(num_cpus=1, include_dashboard=False, object_store_memory=FEW)
    others = [cluster.add_node(num_cpus=1, object_store_memory=FEW) for _ in range(2)]
    print(json.dumps({"address": cluster.address}), flush=True)
    for line in sys.stdin:
        if line == "lose\n":
            cluster.remove_node(others.pop(0), allow_graceful=False)
        else:
            others.append(cluster.add_node(num_cpus=1, object_store_memory=FEW))
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
