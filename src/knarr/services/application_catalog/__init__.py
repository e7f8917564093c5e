"""Applications: MuranoPL, its packages, forms and execution plans, as a library.

Nothing here touches a cloud: what does stands behind contracts.
"""
