"""Builds and publishes dashboards."""
