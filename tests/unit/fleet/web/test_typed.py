"""Every text field of every route, found in the application: what would turn or cut a page is folded."""

from typing import Annotated, Any, get_args

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, TypeAdapter, ValidationError

from fleet.lang.text import BREAKS
from fleet.web.app import make_app
from fleet.web.typed import Line, Paragraph, Secret
from tests.unit.fleet.founded import empty_database
from tests.unit.fleet.web.network import StillClock
from tests.unit.fleet.web.process import parts_over, settings_of

ODD = "a\u2028\u202e\0b"
UNFOLDED = (set(BREAKS) - {"\n"}) | set("\0\u202e\u2066")
SECRET = get_args(Secret)[1]


def texts_of(name: str, field: Any) -> dict[str, Any]:
    """Return the text fields below one field, by dotted name."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = kind.model_fields.items()
        return {key: one for below, part in inner for key, one in texts_of(f"{name}.{below}", part).items()}
    models = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)]
    if models:
        inner = models[0].model_fields.items()
        return {key: one for below, part in inner for key, one in texts_of(f"{name}.{below}", part).items()}
    return {name: field} if "str" in str(kind) else {}


def bodies_of(dependant: Any) -> list[Any]:
    """Return what a route and all that it depends on read of a body."""
    below = [field for inner in dependant.dependencies for field in bodies_of(inner)]
    return [*dependant.body_params, *below]


def fields_of(app: Any) -> dict[tuple[str, str], Any]:
    """Return every text field of every body, by route and name."""
    found = {}
    for route in iter_route_contexts(app.routes):
        if isinstance(route.route, APIRoute):
            for one in bodies_of(route.dependant):
                for name, field in texts_of(one.name, one.field_info).items():
                    found[route.path, name] = field
    return found


def folded(field: Any) -> str | None:
    """Return what becomes of odd text; None: it is refused."""
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    adapter = TypeAdapter(kind)
    try:
        read = adapter.validate_python([ODD] if "list" in str(field.annotation) else ODD)
    except ValidationError:
        return None
    return "".join(read)


def test_every_text_field_of_the_application_folds_or_refuses(tmp_path):
    database = empty_database(tmp_path)
    app = make_app(parts_over(settings_of(tmp_path, database), database, StillClock()))
    fields = fields_of(app)
    secret = {where for where, field in fields.items() if SECRET in field.metadata}
    assert {name.removeprefix("body.") for _, name in secret} == {"password", "token"}
    open_ = {where: folded(field) for where, field in fields.items() if where not in secret}
    assert {("/tickets/nouveau", "caller"), ("/connexion", "name")} <= open_.keys()
    assert len(open_) > 40
    unfolded = {where for where, text in open_.items() if text is not None and UNFOLDED & set(text)}
    assert unfolded == set()


@pytest.mark.parametrize(
    ("kind", "typed", "read"),
    [
        (Line, "Vouvray\u2028chateau\r\nhaut\0", "Vouvray chateau haut"),
        (Paragraph, "un\u2029deux\u202e", "un\ndeux"),
        (Secret, " \u202e ", " \u202e "),
    ],
)
def test_each_kind_of_text(kind, typed, read):
    assert TypeAdapter(kind).validate_python(typed) == read
