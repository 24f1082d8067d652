"""The text of a mail in whatever it is wrapped, as deep as it is opened, and never its attachments."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from fleet.intake.mail_body import DEPTH_LIMIT, text_of


def text(body, **headers):
    mail = EmailMessage(policy=policy.SMTP)
    mail.set_content(body)
    for name, value in headers.items():
        mail[name] = value
    return mail


def read(mail):
    return text_of(message_from_bytes(mail.as_bytes(), policy=policy.compat32))


def wrapped(mail, times, kind):
    for _ in range(times):
        outer = EmailMessage(policy=policy.SMTP)
        if kind == "forwarded":
            outer.add_attachment(mail)
        else:
            outer["Content-Type"] = f"multipart/{kind}"
            outer.attach(mail)
        mail = outer
    return mail


@pytest.mark.parametrize("kind", ["mixed", "alternative"])
def test_parts_in_parts_are_opened_down_to_the_limit(kind):
    for times, found in ((DEPTH_LIMIT, True), (DEPTH_LIMIT + 1, False)):
        mail = wrapped(text("la passerelle"), times, kind)
        assert ("la passerelle" in read(mail)) is found


def test_mails_in_mails_are_opened_down_to_the_limit_whoever_sent_them():
    inner = text("la passerelle", Subject="Panne", From="a@example.fr")
    shallow = read(wrapped(inner, 2, "forwarded"))
    assert "la passerelle" in shallow
    assert "De : a@example.fr\nObjet : Panne" in shallow
    assert "la passerelle" not in read(wrapped(inner, DEPTH_LIMIT + 1, "forwarded"))


def test_the_plain_part_wins_unless_it_only_says_that_the_mail_is_html():
    for plain, found in (("bonjour", "bonjour"), ("Ce message est en HTML.", "ligne"), ("  ", "ligne")):
        mail = text(plain)
        mail.add_alternative("<p>ligne</p><script>x</script>", subtype="html")
        assert read(mail).strip() == found


def test_a_long_plain_part_that_speaks_of_html_is_what_was_written():
    words = "Ce message parle de HTML. " + "Et la passerelle est en panne depuis hier soir. " * 9
    mail = text(words)
    mail.add_alternative("<p>ligne</p>", subtype="html")
    assert "passerelle" in read(mail)


def test_an_attachment_is_not_what_was_written():
    mail = text("bonjour")
    mail.add_attachment("pièce jointe", filename="a.txt")
    assert read(mail).strip() == "bonjour"


def test_several_parts_are_read_one_below_the_other_and_empty_ones_leave_nothing():
    mail = wrapped(text("un"), 1, "mixed")
    for body in ("", "deux"):
        mail.attach(text(body))
    assert [line for line in read(mail).split("\n") if line] == ["un", "deux"]
