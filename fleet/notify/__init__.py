"""Messages out: composed, kept in an outbox, sent with retries."""
