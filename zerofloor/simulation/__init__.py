"""A trace of requests played against the scalers of a stack: GPU-hours, dollars, waiting."""
