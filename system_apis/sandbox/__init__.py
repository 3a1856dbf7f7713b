"""SAP, Salesforce, a scheduler and an OAuth issuer in miniature. It imports nothing of the gateway."""
