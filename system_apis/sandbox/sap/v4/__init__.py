"""CE_SALESORDER_0001: the sales orders of the V2 service once more, in OData V4. Only the dialect is told here."""
