"""sObject collections: many rows in one call."""

from __future__ import annotations

from typing import Any

from system_apis.sandbox.salesforce.errors import CrmError, Row
from system_apis.sandbox.salesforce.records import Crm, the_object
from system_apis.sandbox.salesforce.wire import Answer, Call

_MAX_COLLECTION = 200


def save(crm: Crm, call: Call, by: list[str]) -> Answer:
    """Up to 200 rows in one call: always 200, with a result per row. `by`: object and external id of an upsert."""
    wanted = call.values()
    records = wanted.get("records")
    if not isinstance(records, list) or not 0 < len(records) <= _MAX_COLLECTION:
        raise CrmError(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MAX_COLLECTION} records"
        )
    saved = crm.snapshot()
    results = [_saved(crm, call, record, by) for record in records]
    if wanted.get("allOrNone") and not all(result["success"] for result in results):
        crm.restore(saved)
        told = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        halted = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": told, "fields": []}
        results = [{"success": False, "errors": [halted]} if result["success"] else result for result in results]
    return Answer(200, results)


def _saved(crm: Crm, call: Call, record: Row, by: list[str]) -> dict[str, Any]:
    try:
        one = the_object(record.get("attributes", {}).get("type", ""))
        values = {name: value for name, value in record.items() if name not in ("attributes", "id")}
        if by:
            found = crm.by_external_id(one, by[-1], str(values[by[-1]]))
            if found:
                del values[by[-1]]
            row = crm.update(one, found["Id"], values) if found else crm.create(one, values)
            return {"id": row["Id"], "success": True, "errors": [], "created": found is None}
        row = crm.create(one, values) if call.method == "POST" else crm.update(one, str(record.get("id")), values)
    except CrmError as wrong:
        return {
            "success": False,
            "errors": [{"statusCode": wrong.code, "message": wrong.message, "fields": wrong.fields or []}],
        }
    return {"id": row["Id"], "success": True, "errors": []}
