"""Photos in an S3-compatible store, through obstore: imported only where a profile's `[objects] url` asks for it.

Order of reading: `address`, `bucket`, `vault`, `shelf`.
"""
