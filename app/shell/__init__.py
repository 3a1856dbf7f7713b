"""Plain ASGI around Litestar, one duty per file. Litestar's own middleware never sees a 404 or 405; this does."""
