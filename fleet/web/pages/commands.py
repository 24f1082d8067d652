"""A command to one gateway, from its page or from a technician's ticket."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import RedirectResponse, Response

from agent.wire.command import Action
from fleet.configurations.commands import send
from fleet.identity.people import Person, Role
from fleet.registry import store
from fleet.web.access import NotAllowed, form_guard, technician
from fleet.web.login import inside
from fleet.web.views.commands import FOR_OPERATORS, FOR_TECHNICIANS
from fleet.web.visit import Viewing, leave_toast

router = APIRouter()
SEE_OTHER = 303
Acting = Annotated[Person, Depends(technician)]


@router.post("/passerelles/{eui}/commande", dependencies=[Depends(form_guard)])
def command(
    eui: str,
    visit: Viewing,
    person: Acting,
    action: Annotated[Action, Form()],
    back: Annotated[str, Form()] = "",
) -> Response:
    """Sign and queue one command; the gateway answers when it is reached."""
    if action in FOR_OPERATORS and not person.may(Role.OPERATOR):
        raise NotAllowed("role", f"{action} needs the role {Role.OPERATOR}, {person.name} has {person.role}")
    if action not in (*FOR_TECHNICIANS, *FOR_OPERATORS):
        raise HTTPException(404)
    with visit.database.write() as connection:
        found = store.load_gateway(connection, eui)
        if found is None:
            raise HTTPException(404)
        key = visit.parts.keys.signing
        send(connection, key, eui=eui, action=action, who=person.name, now_us=visit.now_us)
    answer = RedirectResponse(inside(back) if back else f"/passerelles/{eui}", SEE_OTHER)
    return leave_toast(answer, f"toast.command.{action}", name=found.name)
