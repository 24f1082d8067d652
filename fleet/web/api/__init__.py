"""The HTTP API under /api/v1: pagination, ETags, errors as problem+json."""
