"""What a machine is made of: instance types and the accelerators in them."""
