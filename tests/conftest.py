"""Fixtures that several levels of tests share."""

pytest_plugins = ["tests.sandbox"]
