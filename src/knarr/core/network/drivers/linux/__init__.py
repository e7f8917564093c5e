"""The backend of Linux hosts: a bridge per network, nftables for security groups and against spoofing."""
