"""A database of objects in service whose days a test says; nothing of it is kept."""

from sqlalchemy import insert

from fleet.objects.counting import count_day
from fleet.objects.store import store_days
from fleet.objects.tables import objects
from tests.unit.fleet.founded import empty_database

OBJECT = {"name": "n", "serial_number": "1", "geolocation": "NONE", "status": "SERVICE"}
OBJECT |= {"class_name": "A", "imported_at_us": 0}
_shared = {}


class Counted:
    """One transaction that is taken back at the end."""

    def __init__(self, factory):
        if "database" not in _shared:
            _shared["database"] = empty_database(factory.mktemp("counted"))
        self._writing = _shared["database"].write()

    def __enter__(self):
        self.connection = self._writing.__enter__()
        return self

    def __exit__(self, *error):
        self.connection.rollback()
        self._writing.__exit__(*error)

    def hears(self, dev_eui, days):
        self.connection.execute(insert(objects).values(OBJECT | {"dev_eui": dev_eui}))
        rows = [{"day": day, "dev_eui": dev_eui, "heard_at_us": 0} for day in days]
        store_days(self.connection, rows, {})

    def count(self, day):
        return count_day(self.connection, day).whole
