"""The joint analysis: scalers on workloads, pods on pools, pods into nodes, and what of it is held
without a request."""
