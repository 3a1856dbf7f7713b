"""A question to one SAP system: what every question has, and in whose units the answer is to be read."""

from __future__ import annotations

from dataclasses import dataclass

from system_apis.errand import Errand
from system_apis.sap.units import STANDARD, Units


@dataclass(frozen=True, slots=True)
class SapErrand(Errand):
    """`units` are those of the installation."""

    units: Units = STANDARD
