"""The query options understood: $filter, $select, $expand, $top, $skip, $skiptoken, $inlinecount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from system_apis.sandbox.sap.errors import refused
from system_apis.sandbox.sap.filters import Filter, Test
from system_apis.sandbox.sap.model import Entity, Model

Tree = dict[str, "Tree"]

_KNOWN = {"$filter", "$select", "$expand", "$top", "$skip", "$skiptoken", "$inlinecount", "$format"}


@dataclass
class Options:
    """`select` empty means every property. `done`: how many rows earlier pages have shown."""

    matches: Test
    select: Tree = field(default_factory=dict)
    expand: Tree = field(default_factory=dict)
    top: int | None = None
    skip: int = 0
    done: int = 0
    count: bool = False


def parse(model: Model, entity: Entity, query: Mapping[str, str]) -> Options:
    strange = next((name for name in query if name.startswith("$") and name not in _KNOWN), None)
    if strange:
        raise refused(501, "/IWBEP/CM_MGW_RT/176", f"The query option {strange} is not supported by this system")
    options = Options(
        matches=Filter(entity, query.get("$filter", "")).test(),
        select=_tree(query.get("$select", "")),
        expand=_tree(query.get("$expand", "")),
        top=_number(query, "$top"),
        skip=_number(query, "$skip") or 0,
        done=_number(query, "$skiptoken") or 0,
        count=query.get("$inlinecount") == "allpages",
    )
    options.select = {} if "*" in options.select else options.select
    _check_paths(model, entity, options.select, leaves=True)
    _check_paths(model, entity, options.expand, leaves=False)
    return options


def _tree(paths: str) -> Tree:
    tree: Tree = {}
    for path in filter(None, (part.strip() for part in paths.split(","))):
        branch = tree
        for segment in path.split("/"):
            branch = branch.setdefault(segment, {})
    return tree


def _check_paths(model: Model, entity: Entity, tree: Tree, *, leaves: bool) -> None:
    for name, branch in tree.items():
        navigation = entity.navigations.get(name)
        if navigation:
            _check_paths(model, model.entities[navigation.target], branch, leaves=leaves)
        elif not leaves or branch or name not in entity.properties:
            raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Resource not found for segment '{name}'")


def _number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not query[name].isdecimal():
        raise refused(400, "/IWBEP/CM_MGW_RT/176", f"Invalid system query option value: {name}")
    return int(query[name])
