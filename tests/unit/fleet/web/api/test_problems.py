"""What an error is to who asked: a database that cannot be read is away, and no mistake of ours."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import DatabaseError, IntegrityError

from fleet.web.api import problems


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (DatabaseError("SELECT", {}, Exception("database disk image is malformed")), 503, "malformed"),
        (IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed")), 500, "IntegrityError"),
    ],
)
@pytest.mark.parametrize("path", ["/page", "/api/v1/x"])
def test_a_torn_database_is_named_and_a_broken_rule_is_ours(
    error: Exception, status: int, words: str, path: str
) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get(path)
    def fails() -> None:
        raise error

    answer = TestClient(app, raise_server_exceptions=False).get(path)
    assert answer.status_code == status
    assert words in answer.text
