"""How the layers meet: scalers on workloads, pods on pools, pods into nodes."""
