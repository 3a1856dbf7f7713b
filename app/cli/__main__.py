"""`python -m app.cli`: the same as `ordergate`, for children that must run on this very interpreter."""

from app.cli import main

main()
