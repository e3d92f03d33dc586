"""Fuzz targets and their runner; see CONTRIBUTING.md. No part of the package."""
