"""The programme after the photos, as rules without I/O: waves, the draw, benefits, and payments that are made once."""
