"""Uploads by tus 1.0.0: what came before a line was lost is kept, and whoever comes back goes on from there, in whichever process."""
