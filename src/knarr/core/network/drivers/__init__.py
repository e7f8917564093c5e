"""Network backends: what carries the packets of networks and ports on a host."""
