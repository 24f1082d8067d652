"""The one MetaData that every feature's tables hang on.

Each feature declares its tables in ``fleet/<feature>/tables.py`` with SQLAlchemy Core on ``metadata``;
instants are integer microseconds UTC in columns that end in ``_at_us``.
"""

from sqlalchemy import MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
