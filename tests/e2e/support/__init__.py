"""What the end-to-end tests stand on: a host of their own, Knarr as a process, clients as processes."""
