"""The site's database in PostgreSQL, through asyncpg: imported only where a profile's `[database] url` asks for it.

Order of reading: `address`, `tables`, `bridge`, `database`.
"""
