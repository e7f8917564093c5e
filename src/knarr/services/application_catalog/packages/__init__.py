"""Packages of applications: archives and folders, manifests, versions, and where packages come from."""
