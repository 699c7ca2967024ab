"""What the components promise, tried on the lab's real controllers: one function a promise.

`python -m tests.lab.trials [--record] [NAME…]` runs them, many side by side.
"""
