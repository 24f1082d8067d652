"""Database: the metadata, connections, migrations."""
