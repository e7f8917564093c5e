"""The classes of the core library that are written in Python."""
