"""Who is who: the certificate authority, enrolment, people and their sessions, the audit log."""
