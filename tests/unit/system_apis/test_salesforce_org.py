"""The metadata folder and the code agree: what an administrator deploys is what we use."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from system_apis.errand import Errand
from system_apis.ownership import guard
from system_apis.salesforce import fields, owners
from system_apis.salesforce.fields import EXCEPTION_KEY, Entity
from tests.contract.salesforce.deployed import FOLDER, NAMESPACE, OBJECTS, custom_fields

ENTITIES = fields.entities(multi_currency=False)
PERMISSIONS = FOLDER / "force-app/main/default/permissionsets"


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_the_folder_makes_every_custom_field_we_use_and_no_other(entity: Entity) -> None:
    used = {field.name for field in entity.fields if field.name.endswith("__c")}
    assert set(custom_fields(entity.name)) == used


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_texts_have_room_for_what_we_write(entity: Entity) -> None:
    made = custom_fields(entity.name)
    for field in entity.fields:
        if field.longest:
            assert int(made[field.name]["length"]) == field.longest


def test_the_key_of_exceptions_is_a_unique_external_id_and_the_only_one() -> None:
    keys = [
        (entity.name, name)
        for entity in ENTITIES
        for name, made in custom_fields(entity.name).items()
        if made["externalId"] == made.get("unique") == "true"
    ]
    assert keys == [("Ordergate_Exception__c", EXCEPTION_KEY)]


def test_the_package_names_every_file_of_the_folder() -> None:
    package = ElementTree.parse(FOLDER / "manifest/package.xml").getroot()
    listed = {member.text for member in package.iterfind("m:types/m:members", NAMESPACE)}
    there = {f"{file.parent.parent.name}.{file.name.partition('.')[0]}" for file in OBJECTS.glob("*/fields/*.xml")}
    there |= {file.name.partition(".")[0] for file in OBJECTS.glob("*/*.object-meta.xml")}
    there |= {file.name.partition(".")[0] for file in PERMISSIONS.iterdir()}
    assert listed == there


def test_our_user_may_edit_our_fields_and_only_read_the_others() -> None:
    granted = permissions("Ordergate_Integration")
    for entity in ENTITIES:
        for field in entity.fields:
            if field.name.endswith("__c") and "key" not in field.uses:  # a required field needs no permission
                assert granted[f"{entity.name}.{field.name}"] == ("true", "true" if "update" in field.uses else "false")


def test_people_see_our_fields_and_edit_none() -> None:
    assert {editable for _, editable in permissions("Ordergate_Reader").values()} == {"false"}


def test_every_field_that_we_update_is_ours_in_the_map_of_owners() -> None:
    errand = Errand("salesforce", "crm-main", "write", writes=True)
    for entity in ENTITIES:
        guard(errand, owners.WORDS, entity.name, entity.used_to("update"))


def test_a_record_with_a_field_that_is_not_ours_can_not_be_made() -> None:
    with pytest.raises(KeyError):
        fields.QUOTE.row(Status="Accepted")
    assert fields.QUOTE.row(Ordergate_State__c="x" * 99, Confirmed_Date__c=None) == {
        "Ordergate_State__c": "x" * 40,
        "Confirmed_Date__c": None,
    }


def permissions(name: str) -> dict[str, tuple[str, str]]:
    """Field by field: readable, editable."""
    root = ElementTree.parse(PERMISSIONS / f"{name}.permissionset-meta.xml").getroot()
    rows = [
        {child.tag.partition("}")[2]: child.text or "" for child in row}
        for row in root.iterfind("m:fieldPermissions", NAMESPACE)
    ]
    return {row["field"]: (row["readable"], row["editable"]) for row in rows}
