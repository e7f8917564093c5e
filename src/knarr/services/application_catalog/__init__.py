"""Applications: MuranoPL, its packages, forms and execution plans, as a library.

Nothing here touches a cloud: what does stands behind the contracts of `knarr.services.application_catalog.world`.
"""
