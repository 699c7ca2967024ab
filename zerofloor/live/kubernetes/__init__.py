"""GPU workloads and nodes of Kubernetes clusters as they run now, and putting them to zero."""
