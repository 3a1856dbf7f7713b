"""Conversions while everything breaks, and then one question: what do the neighbours hold?

`python -m benchmarks.chaos --help`. Two replicas of the gateway on a real PostgreSQL and a real Redis, a crowd of
quotes, clients that behave, and troubles drawn from a seed. The judge at the end reads SAP, Salesforce and the
scheduler, and what the clients were told; never the gateway's own tables.
"""
