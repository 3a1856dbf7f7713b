"""The sales order as instances serve it that have OData version 4 only (CE_SALESORDER_0001)."""
