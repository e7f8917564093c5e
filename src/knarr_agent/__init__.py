"""knarr-agent: runs execution plans on a machine and answers with what came of them.

It stands alone: nothing of the rest of the product is imported, and nothing beyond the standard library but PyYAML.
"""
