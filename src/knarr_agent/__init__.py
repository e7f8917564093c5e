"""knarr-agent: runs execution plans on a machine and answers with what came of them.

It stands alone: it imports nothing of the rest of the product, and of others' work only PyYAML. Machines have
the Python that they have, so this package keeps to what Python 3.9 knows.
"""
