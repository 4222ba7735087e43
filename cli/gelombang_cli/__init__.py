"""The gelombang command."""
