"""The public document once more, flat and in OpenAPI 3.0: what Salesforce External Services and older generators read.

Made from the 3.1 document, never from the routes, so that the two cannot differ in what they say. Flat means: no
choice between schemas. What a client may see depends on its disclosure; here the kinds of an answer are one schema,
whose members are required only where every kind has them. Response headers are left out, since those readers do not
look at them: what matters stands in the bodies too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

JSON = "application/json"
SCHEMA = "#/components/schemas/"
KINDS = ("Internal", "Partner")
CONDITION = "IfNoneMatch"
"""Left out with the 304 that it asks for: a reader that does not see headers could not tell that it kept anything."""
SCHEMA_MAPS = frozenset({"properties", "schemas"})
"""Members whose keys are names, not words of JSON Schema."""

Json = dict[str, Any]


def flat(document: Json) -> Json:
    """The 3.0.3 edition of a 3.1 document of ours. Raises ValueError where two kinds of one answer contradict."""
    told = deepcopy(document)
    schemas: Json = told["components"]["schemas"]
    names = _one_name_each(schemas)
    merged = _merged(schemas, names)
    paths = {path: {method: _operation(one) for method, one in item.items()} for path, item in told["paths"].items()}
    info = {name: value for name, value in told["info"].items() if name != "summary"}
    info["license"] = {"name": info["license"]["name"], "url": "https://www.apache.org/licenses/LICENSE-2.0"}
    flattened = {
        "openapi": "3.0.3",
        "info": info,
        "servers": told["servers"],
        "tags": told["tags"],
        "paths": paths,
        "components": {
            "schemas": merged,
            "parameters": {name: one for name, one in told["components"]["parameters"].items() if name != CONDITION},
            "responses": {name: _response(one) for name, one in told["components"]["responses"].items()},
            "securitySchemes": told["components"]["securitySchemes"],
        },
    }
    renamed: Json = _renamed(_older(flattened), names)
    return _without_unused(renamed)


def _operation(operation: Json) -> Json:
    responses = {status: _response(one) for status, one in operation["responses"].items() if not status.startswith("3")}
    body = operation.get("requestBody")
    parameters = [
        each for each in operation["parameters"] if each.get("$ref") != f"#/components/parameters/{CONDITION}"
    ]
    return {
        **operation,
        "parameters": parameters,
        "responses": responses,
        **({"requestBody": _body(body)} if body else {}),
    }


def _response(response: Json) -> Json:
    if "$ref" in response:
        return response
    content = response.get("content", {})
    return {
        "description": response["description"],
        **({"content": {JSON: _first_example(content[JSON])}} if JSON in content else {}),
    }


def _body(body: Json) -> Json:
    return {**body, "content": {JSON: _first_example(body["content"][JSON])}}


def _first_example(content: Json) -> Json:
    """Several examples of one status are for people; these readers take one at most, and need none."""
    return {"schema": content["schema"]}


def _one_name_each(schemas: Json) -> dict[str, str]:
    """The name under which each schema goes on: kinds of one thing share one, so do the parts they differ in."""
    group = {name: name for name in schemas}

    def found(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for name in schemas:
        for prefix in KINDS:
            base = name.removeprefix(prefix)
            for twin in (*(kind + base for kind in KINDS), base):
                if base != name and twin in schemas:
                    group[found(twin)] = found(name)
    changed = True
    while changed:
        changed = False
        for one, other in _differing_parts(schemas, found):
            group[found(other)] = found(one)
            changed = True
    members: dict[str, list[str]] = {}
    for name in schemas:
        members.setdefault(found(name), []).append(name)
    return {name: _common_name(together) for together in members.values() for name in together}


def _differing_parts(schemas: Json, found: Any) -> Iterator[tuple[str, str]]:
    """Schemas at the same place in two kinds of one thing, not yet known to be one."""
    by_member: dict[tuple[str, str], str] = {}
    for name, schema in schemas.items():
        for member, part in schema.get("properties", {}).items():
            for target in _targets(part):
                known = by_member.setdefault((found(name), member), target)
                if found(known) != found(target):
                    yield known, target


def _targets(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix(SCHEMA)
        for each in part.values():
            yield from _targets(each)
    elif isinstance(part, list):
        for each in part:
            yield from _targets(each)


def _common_name(together: Iterable[str]) -> str:
    """The longest one without its kind: `ExceptionView` rather than `Exception`, which some languages have already."""
    return max(sorted(name.removeprefix(KINDS[0]).removeprefix(KINDS[1]) for name in together), key=len)


def _merged(schemas: Json, names: dict[str, str]) -> Json:
    merged: Json = {}
    for name in sorted(schemas):
        own = names[name]
        schema = _renamed(_older(schemas[name]), names)
        merged[own] = _both(own, merged[own], schema) if own in merged else schema
    return merged


def _both(name: str, one: Json, other: Json) -> Json:
    """What every kind has is required, what any has is there."""
    properties = dict(one["properties"])
    for member, part in other["properties"].items():
        properties[member] = _either(f"{name}.{member}", properties.get(member, part), part)
    required = [each for each in one.get("required", ()) if each in other.get("required", ())]
    return _older_words({**one, "properties": properties, "required": required})


def _either(place: str, one: Json, other: Json) -> Json:
    if _bare(one) == _bare(other):
        return other if other.get("nullable") else one
    raise ValueError(f"two kinds of one answer contradict: {place} is {one} and {other}")


def _bare(part: Json) -> Json:
    bare = {name: value for name, value in part.items() if name not in ("nullable", "description")}
    if set(bare) <= {"allOf", "type"} and len(bare.get("allOf", ())) == 1:
        return dict(bare["allOf"][0])
    return bare


def _renamed(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: SCHEMA + names.get(value.removeprefix(SCHEMA), value.removeprefix(SCHEMA))
            if key == "$ref" and isinstance(value, str) and value.startswith(SCHEMA)
            else _renamed(value, names)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_renamed(each, names) for each in node]
    return node


def _older(node: Any, *, named: bool = False) -> Any:
    """Words of JSON Schema 2020-12 that OpenAPI 3.0 has otherwise or not at all. `named`: the keys are names."""
    if isinstance(node, list):
        return [_older(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {key: _older(value, named=not named and key in SCHEMA_MAPS) for key, value in node.items()}
    return node if named else _older_words(node)


def _older_words(node: Json) -> Json:
    kinds = node.get("anyOf")
    if isinstance(kinds, list):
        node = _one_of_them({key: value for key, value in node.items() if key != "anyOf"}, kinds)
    if node.get("required") == []:  # allowed since 3.1
        del node["required"]
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if isinstance(node.get("examples"), list):
        node["example"] = node.pop("examples")[0]
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(word), int | float) and not isinstance(node[word], bool):
            node[bound], node[word] = node[word], True
    if "$ref" in node and len(node) > 1:
        node = {"allOf": [{"$ref": node.pop("$ref")}], **node}
    return node


def _one_of_them(node: Json, kinds: list[Json]) -> Json:
    """A choice between something and null is something nullable; one between kinds of an answer is the one schema that
    they become; any other choice has no flat form and is left open."""
    real = [kind for kind in kinds if kind.get("type") != "null"]
    node = dict(node)
    if len(real) < len(kinds):
        node["nullable"] = True
        if node.get("default", 0) is None:
            del node["default"]
    if len(real) == 1 or all("$ref" in kind for kind in real):
        chosen = dict(real[0])
        if "$ref" in chosen and node:
            return {
                "type": "object",
                "allOf": [chosen],
                **node,
            }  # nullable belongs to a type, and all of ours are objects
        return {**chosen, **node}
    return node


def _without_unused(document: Json) -> Json:
    """Schemas that only a part refers to which was left out are left out as well."""
    schemas: Json = document["components"]["schemas"]
    used: set[str] = set()
    open_ends = set(_targets({**document, "components": {**document["components"], "schemas": {}}}))
    while open_ends:
        name = open_ends.pop()
        if name in schemas and name not in used:
            used.add(name)
            open_ends |= set(_targets(schemas[name]))
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}
    return document
